// The circuits that are not closed, as their owners tell: what waits behind each, and which attempt is the trial of one that is half open.
import { decodeTrusted } from '@capstan/bus';
import { actorId, type Report } from '@capstan/contracts';
import { type BreakerState, openText, Turns, unservedCode, type Waiting } from '@capstan/engine';
import { loadActors } from './actors/store.ts';
import { sayOfActor } from './actors/say.ts';
import { untilStored } from './say.ts';
import type { World } from './world.ts';

export interface Circuit {
  readonly id: string;
  readonly seq: number;
  readonly rules: number;
  readonly state: BreakerState;
}

export interface Circuits {
  /** Whether any is worth a look: where nothing fails there is none. */
  readonly any: boolean;
  show(circuit: Circuit): void;
  /** Reads how all of them stand: at the start, and now and then while one is open, since what was told may have been missed. */
  load(): Promise<void>;
  text(id: string): string;
}

interface Doors<Held> extends Circuits {
  /** The circuit that an order must wait behind; null where it may go. */
  shut(queue: string, capability: string): string | null;
  /** The same for one that goes where it may: if a circuit is half open, it is its trial. */
  pass(queue: string, capability: string): string | null;
  wait(id: string, held: Held): void;
  leave(id: string, held: Held): void;
  reported(queue: string, capability: string, report: Report): void;
  beat(): void;
}

interface Known extends Circuit {
  /** When a trial was let through; 0 while none was. */
  trialAt: number;
  /** That it goes well was said. */
  told: boolean;
}

const loadEveryMs = 5_000;

export const openCircuits = <Held extends Waiting>(world: World, enter: (held: Held) => void): Doors<Held> => {
  const known = new Map<string, Known>();
  const behind = new Map<string, Turns<Held>>();
  let loadedAt = world.clock.now();

  const ids = (queue: string, capability: string): string[] => [
    actorId('breaker', `queue-${queue}`),
    actorId('breaker', `tool-${capability}`),
  ];
  const isOpen = ({ state, trialAt }: Known): boolean =>
    state.circuit === 'open' ||
    // A trial that nobody ever spoke of again is not waited for for ever.
    (state.circuit === 'half_open' && world.clock.now() - trialAt < Math.max(state.recoveryMs, 1_000));
  const shut = (queue: string, capability: string): string | null =>
    ids(queue, capability).find((id) => {
      const circuit = known.get(id);
      return circuit !== undefined && isOpen(circuit);
    }) ?? null;

  const letGo = (id: string, most: number) => {
    const waiting = behind.get(id);
    if (waiting === undefined) return;
    // All of them first: whoever enters may have to wait here again.
    const some = Array.from({ length: Math.min(waiting.size, most) }, () => waiting.take(world.clock.now()));
    if (waiting.size === 0) behind.delete(id);
    for (const held of some) if (held !== null) enter(held);
  };

  const doors: Doors<Held> = {
    get any() {
      return known.size > 0;
    },
    show: (circuit) => {
      // A newer coordinator tells; here nobody can tell what that means, and nothing is held back for it.
      if (circuit.rules > world.rules) return;
      const before = known.get(circuit.id);
      if (before !== undefined && before.seq >= circuit.seq) return;
      const { state } = circuit;
      if (state.failures === 0) known.delete(circuit.id);
      else known.set(circuit.id, { ...circuit, trialAt: 0, told: false });
      if (before?.state.circuit !== state.circuit && state.circuit !== 'closed')
        world.log.warn({ circuit: circuit.id }, `the circuit of ${state.of} "${state.name}" is ${state.circuit}`);
      if (state.circuit === 'closed') letGo(circuit.id, Infinity);
      else if (state.circuit === 'half_open') letGo(circuit.id, 1);
    },
    load: async () => {
      loadedAt = world.clock.now();
      for (const { id, seq, rules, state } of await loadActors(world, { kind: 'breaker' }))
        doors.show({ id, seq, rules, state: state as BreakerState });
    },
    text: (id) => {
      const state = known.get(id)?.state;
      if (state === undefined) return 'its circuit to be closed';
      const until =
        state.circuit === 'half_open'
          ? 'the attempt that tries it to go well'
          : `${new Date(state.retryAt ?? 0).toISOString()}, when it is tried again`;
      return `${until}: ${openText(state)}`;
    },
    shut,
    pass: (queue, capability) => {
      const id = shut(queue, capability);
      if (id !== null) return id;
      for (const one of ids(queue, capability)) {
        const circuit = known.get(one);
        if (circuit?.state.circuit === 'half_open') circuit.trialAt = world.clock.now();
      }
      return null;
    },
    wait: (id, held) => {
      const waiting = behind.get(id) ?? new Turns<Held>();
      behind.set(id, waiting);
      waiting.push(held);
    },
    leave: (id, held) => {
      const waiting = behind.get(id);
      waiting?.remove(held);
      if (waiting?.size === 0) behind.delete(id);
    },
    reported: (queue, capability, report) => {
      for (const id of ids(queue, capability)) {
        const circuit = known.get(id);
        if (circuit === undefined || circuit.told || circuit.state.circuit === 'open') continue;
        const { codes } = circuit.state;
        const code = report.error?.code ?? 'unknown';
        // That it reached nobody says nothing of whoever would have done it.
        if (code === unservedCode) continue;
        if (report.outcome === 'failed' && (codes.includes(code) || codes.includes('*'))) continue;
        // Once for what was known: who else says it says the same name.
        circuit.told = true;
        void untilStored(world, () => sayOfActor(world, id, ['succeeded', circuit.seq], {})).catch(world.fatal);
      }
    },
    beat: () => {
      if (known.size === 0) return;
      for (const [id, circuit] of known) if (circuit.state.circuit === 'half_open' && !isOpen(circuit)) letGo(id, 1);
      if (world.clock.now() - loadedAt < loadEveryMs) return;
      void doors.load().catch((error: unknown) => world.log.warn({ err: error }, 'the circuits could not be read'));
    },
  };
  world.bus.listen(world.names.circuit, ({ data }) => doors.show(decodeTrusted(data) as Circuit));
  return doors;
};
