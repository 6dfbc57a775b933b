// How many steps of each tenant, and of each requester, run just now, where a quota limits that. Every coordinator counts its own and tells the
// others, so that what one does not use another may; between two tellings a quota may be exceeded for a moment.
import { decodeTrusted, PassingMap } from '@capstan/bus';
import type { Quota, Settings } from '@capstan/contracts';
import { owedOrders, quotasOf, runsNow, Turns, type Waiting } from '@capstan/engine';
import type { Actor } from './actor.ts';
import type { World } from './world.ts';

export interface Running<Held> {
  /** Whether anything is limited at all. */
  readonly any: boolean;
  /** Whether attempts of a task count just now. */
  counts(task: string): boolean;
  /** What is full already, so that a step of this task has to wait; null where there is room. */
  full(actor: Actor): string | null;
  began(actor: Actor, step: string, attempt: number): void;
  /** Attempts of this task that run although nobody here handed them out. */
  loaded(actor: Actor): void;
  /** Gives back what the task no longer uses. */
  decided(actor: Actor): void;
  forget(task: string): void;
  wait(key: string, held: Held): void;
  leave(key: string, held: Held): void;
  text(key: string): string;
  beat(): void;
}

interface Told {
  readonly member: string;
  readonly counts: Readonly<Record<string, number>>;
}

const quotasIn = (quotas: Settings['quotas']): Quota[] => {
  const { tenant = {}, requester = {}, tenants = {}, requesters = {} } = quotas ?? {};
  return [tenant, requester, ...Object.values(tenants), ...Object.values(requesters)];
};

const tellAfterMs = 100;
const othersForMs = 5_000;

export const openRunning = <Held extends Waiting>(world: World, enter: (held: Held) => void): Running<Held> => {
  const { quotas } = world.settings;
  const any = quotasIn(quotas).some(({ running_steps: most }) => most !== undefined);
  const counts = new Map<string, number>();
  const limits = new Map<string, number>();
  const parked = new Map<string, Turns<Held>>();
  const tasks = new PassingMap<string, { readonly keys: readonly string[]; readonly names: Set<string> }>();
  const others = new Map<string, Told & { readonly at: number }>();
  let telling = false;

  const keysOf = ({ state }: Actor): string[] => {
    const { request } = state;
    const { tenant, requester } = quotasOf(world.settings, request);
    const of = request.tenant ?? 'default';
    const keys: string[] = [];
    const limit = (key: string, most: number | undefined) => {
      if (most === undefined) return;
      limits.set(key, most);
      keys.push(key);
    };
    limit(`tenant "${of}"`, tenant.running_steps);
    limit(`requester "${request.requester ?? ''}" of tenant "${of}"`, requester.running_steps);
    return keys;
  };
  const used = (key: string): number => {
    const oldest = world.clock.now() - othersForMs;
    let sum = counts.get(key) ?? 0;
    for (const other of others.values()) if (other.at >= oldest) sum += other.counts[key] ?? 0;
    return sum;
  };
  const room = (key: string): number => (limits.get(key) ?? Infinity) - used(key);

  const tell = () => {
    if (telling) return;
    telling = true;
    world.clock.later(tellAfterMs, () => {
      telling = false;
      const said: Told = { member: world.member, counts: Object.fromEntries(counts) };
      world.bus.tell(world.names.running, JSON.stringify(said));
    });
  };
  const add = (key: string, more: number) => {
    const count = (counts.get(key) ?? 0) + more;
    if (count <= 0) counts.delete(key);
    else counts.set(key, count);
    tell();
  };
  const letGo = (key: string) => {
    const waiting = parked.get(key);
    if (waiting === undefined) return;
    // All of them first: whoever enters may have to wait here again.
    const some = Array.from({ length: Math.min(waiting.size, Math.max(0, room(key))) }, () =>
      waiting.take(world.clock.now()),
    );
    if (waiting.size === 0) parked.delete(key);
    for (const held of some) if (held !== null) enter(held);
  };
  const end = (task: string, over: (name: string) => boolean) => {
    const known = tasks.get(task);
    if (known === undefined) return;
    let ended = 0;
    for (const name of known.names) if (over(name) && known.names.delete(name)) ended += 1;
    if (known.names.size === 0) tasks.delete(task);
    if (ended === 0) return;
    for (const key of known.keys) add(key, -ended);
    for (const key of known.keys) letGo(key);
  };
  const began = (actor: Actor, step: string, attempt: number) => {
    const known = tasks.get(actor.id) ?? { keys: keysOf(actor), names: new Set<string>() };
    if (known.keys.length === 0 || known.names.has(`${step} ${attempt}`)) return;
    tasks.set(actor.id, known);
    known.names.add(`${step} ${attempt}`);
    for (const key of known.keys) add(key, 1);
  };

  if (any)
    world.bus.listen(world.names.running, ({ data }) => {
      const told = decodeTrusted(data) as Told;
      if (told.member === world.member) return;
      others.set(told.member, { ...told, at: world.clock.now() });
      for (const key of [...parked.keys()]) letGo(key);
    });

  return {
    any,
    counts: (task) => tasks.has(task),
    full: (actor) => keysOf(actor).find((key) => room(key) <= 0) ?? null,
    began,
    loaded: (actor) => {
      if (keysOf(actor).length === 0) return;
      for (const effect of owedOrders(actor.state))
        if (effect.kind === 'order') began(actor, effect.order.step_id, effect.order.attempt);
    },
    decided: (actor) =>
      end(actor.id, (name) => {
        const [step = '', attempt] = name.split(' ');
        return !runsNow(actor.state, step, Number(attempt));
      }),
    forget: (task) => end(task, () => true),
    wait: (key, held) => {
      const waiting = parked.get(key) ?? new Turns<Held>();
      parked.set(key, waiting);
      waiting.push(held);
    },
    leave: (key, held) => {
      const waiting = parked.get(key);
      waiting?.remove(held);
      if (waiting?.size === 0) parked.delete(key);
    },
    text: (key) => `room for it: ${key} may have ${limits.get(key)} steps running`,
    beat: () => {
      if (!any) return;
      for (const key of [...parked.keys()]) letGo(key);
      if (counts.size > 0) tell();
    },
  };
};
