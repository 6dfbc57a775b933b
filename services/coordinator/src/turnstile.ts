// Where orders leave. While a queue has room everything goes at once. Beyond that orders wait here, in memory, and leave by turns; so do those
// whose circuit is open. A view: no decision reads it, and what waits here follows from the states of its tasks.
import { PassingMap } from '@capstan/bus';
import { type Event, limits, type OrderDraft } from '@capstan/contracts';
import { capabilityNow, levelOf, type TaskState, Turns, type Waiting } from '@capstan/engine';
import type { Actor } from './actor.ts';
import { type Circuits, openCircuits } from './circuits.ts';
import { openRunning } from './running.ts';
import type { World } from './world.ts';

type Reported = Extract<Event, { kind: 'report' }>;

export interface Turnstile {
  /** Whether an order may leave now; then it is counted as outstanding. */
  mayGo(actor: Actor, queue: string, order: OrderDraft): boolean;
  /** Keeps an order until its turn comes, and calls `send` then. */
  hold(actor: Actor, queue: string, order: OrderDraft, send: () => void): void;
  holds(task: string, step: string, attempt: number): boolean;
  /** Takes back an order that waits, and gives its queue; null where it has left already. */
  drop(task: string, step: string, attempt: number): string | null;
  forget(task: string): void;
  /** A task was loaded: what runs of it was handed out by whoever had it before. */
  loaded(actor: Actor): void;
  /** Whether steps that run are counted, so that tasks must be known whose steps may run; and whether some of this one are. */
  readonly counts: boolean;
  countsOf(task: string): boolean;
  /** A task has another state: what it no longer runs leaves room. */
  decided(actor: Actor): void;
  /** An attempt was reported; the state is the one before that counts. */
  reported(state: TaskState, event: Reported): void;
  /** By step, what those of a task that wait here wait for; null where none does. */
  waiting(task: string): ReadonlyMap<string, string> | null;
  readonly circuits: Circuits;
  stop(): void;
}

interface Held extends Waiting {
  readonly actor: Actor;
  readonly queue: string;
  readonly capability: string;
  readonly step: string;
  readonly attempt: number;
  readonly send: () => void;
  /** What holds it, a circuit or a quota; null where it waits for its turn. */
  behind: { readonly by: 'circuit' | 'quota'; readonly key: string } | null;
}

interface Queue {
  readonly name: string;
  readonly turns: Turns<Held>;
  outstanding: number;
  limit: number;
  /** What was reported since, while something waited: how fast the queue is. */
  done: number;
  since: number;
  lookedAt: number;
  /** When the last order left. */
  sentAt: number;
}

/** How much work may lie in a queue whose agents are quick: what they do in this time. */
const aheadMs = 500;
const windowMs = 50;
const lookEveryMs = 1_000;

/** `capacity` is how many orders the live agents of a queue can do at once; 0 where there are none. */
export const turnstile = (world: World, capacity: (queue: string) => number): Turnstile => {
  const queues = new Map<string, Queue>();
  const held = new PassingMap<string, Held>();
  const byTask = new PassingMap<string, Map<string, Held>>();
  const nameOf = (task: string, step: string, attempt: number) => `${task} ${step} ${attempt}`;

  const queueOf = (name: string): Queue => {
    let queue = queues.get(name);
    if (queue === undefined) {
      queue = {
        name,
        turns: new Turns(),
        outstanding: 0,
        limit: leastOf(name),
        done: 0,
        since: 0,
        lookedAt: 0,
        sentAt: 0,
      };
      queues.set(name, queue);
    }
    return queue;
  };
  const leastOf = (name: string): number => {
    const most = capacity(name);
    return most === 0 ? limits.outstandingUnknown : 2 * most;
  };

  /** How many orders really lie there: attempts that were lost are reported by nobody. */
  const look = (queue: Queue): void => {
    const now = world.clock.now();
    if (now - queue.lookedAt < lookEveryMs) return;
    queue.lookedAt = now;
    queue.limit = Math.max(leastOf(queue.name), now - queue.since > lookEveryMs ? 0 : queue.limit);
    release(queue);
    const { sentAt } = queue;
    // What left just now may not have been counted there yet.
    if (now - sentAt < lookEveryMs) return;
    world.bus.queueInfo(queue.name).then(
      (info) => {
        if (info === null || queue.sentAt !== sentAt) return;
        queue.outstanding = Math.min(queue.outstanding, info.pending + info.unacknowledged);
        release(queue);
      },
      () => {},
    );
  };

  const go = (one: Held): void => {
    forgetOne(one);
    one.send();
  };
  const forgetOne = (one: Held): void => {
    const { id } = one.actor;
    held.delete(nameOf(id, one.step, one.attempt));
    const steps = byTask.get(id);
    steps?.delete(one.step);
    if (steps?.size === 0) byTask.delete(id);
    one.actor.held -= 1;
  };

  const release = (queue: Queue): void => {
    while (queue.turns.size > 0 && queue.outstanding < queue.limit) {
      const one = queue.turns.take(world.clock.now()) as Held;
      if (park(one)) continue;
      if (circuits.any) circuits.pass(one.queue, one.capability);
      queue.outstanding += 1;
      queue.sentAt = world.clock.now();
      running.began(one.actor, one.step, one.attempt);
      go(one);
    }
  };

  /** Where a circuit is open or a quota full, an order waits behind that and not in the queue. */
  const park = (one: Held): boolean => {
    one.behind = null;
    const circuit = circuits.any ? circuits.shut(one.queue, one.capability) : null;
    const quota = circuit === null && running.any ? running.full(one.actor) : null;
    if (circuit !== null) {
      one.behind = { by: 'circuit', key: circuit };
      circuits.wait(circuit, one);
    } else if (quota !== null) {
      one.behind = { by: 'quota', key: quota };
      running.wait(quota, one);
    }
    return one.behind !== null;
  };

  const enter = (one: Held): void => {
    if (park(one)) return;
    const queue = queueOf(one.queue);
    if (queue.turns.size === 0) Object.assign(queue, { since: world.clock.now(), done: 0 });
    queue.turns.push(one);
    look(queue);
    release(queue);
  };

  const circuits = openCircuits<Held>(world, enter);
  const running = openRunning<Held>(world, enter);
  const beat = world.clock.every(lookEveryMs, () => {
    for (const queue of queues.values()) if (queue.turns.size > 0) look(queue);
    circuits.beat();
    running.beat();
  });

  return {
    circuits,
    mayGo: (actor, name, { capability, step_id: step, attempt }) => {
      if (running.any && running.full(actor) !== null) return false;
      if (circuits.any && circuits.shut(name, capability) !== null) return false;
      const queue = queueOf(name);
      if (queue.turns.size > 0 || queue.outstanding >= queue.limit) return false;
      if (circuits.any) circuits.pass(name, capability);
      queue.outstanding += 1;
      queue.sentAt = world.clock.now();
      if (running.any) running.began(actor, step, attempt);
      return true;
    },
    hold: (actor, queue, { step_id: step, attempt, capability }, send) => {
      const { tenant, requester, priority } = actor.state.request;
      const one: Held = {
        actor,
        queue,
        capability,
        step,
        attempt,
        send,
        level: levelOf(priority),
        tenant: tenant ?? 'default',
        requester: requester ?? '',
        since: world.clock.now(),
        behind: null,
      };
      const before = byTask.get(actor.id)?.get(step);
      if (before !== undefined) take(before);
      actor.held += 1;
      held.set(nameOf(actor.id, step, attempt), one);
      const steps = byTask.get(actor.id) ?? new Map<string, Held>();
      byTask.set(actor.id, steps.set(step, one));
      enter(one);
    },
    holds: (task, step, attempt) => held.size > 0 && held.has(nameOf(task, step, attempt)),
    drop: (task, step, attempt) => {
      const one = held.size === 0 ? undefined : held.get(nameOf(task, step, attempt));
      if (one === undefined) return null;
      take(one);
      return one.queue;
    },
    forget: (task) => {
      for (const one of [...(byTask.get(task)?.values() ?? [])]) take(one);
      if (running.any) running.forget(task);
    },
    loaded: (actor) => {
      if (running.any) running.loaded(actor);
    },
    counts: running.any,
    countsOf: running.counts,
    decided: (actor) => {
      if (running.any) running.decided(actor);
    },
    reported: (state, { queue: name, step, attempt, report }) => {
      // Handed out by whoever had the task before, and waiting here to be said again: what is over takes no turn and no room.
      const again = held.size === 0 ? undefined : held.get(nameOf(state.taskId, step, attempt));
      if (again !== undefined) take(again);
      if (circuits.any) circuits.reported(name, capabilityNow(state, step) ?? '', report);
      const queue = queues.get(name);
      if (queue === undefined) return;
      queue.outstanding = Math.max(0, queue.outstanding - 1);
      if (queue.turns.size === 0) return;
      queue.done += 1;
      const now = world.clock.now();
      if (now - queue.since >= windowMs) {
        queue.limit = Math.max(leastOf(name), Math.round((queue.done * aheadMs) / (now - queue.since)));
        Object.assign(queue, { since: now, done: 0 });
      }
      release(queue);
    },
    waiting: (task) => {
      const steps = byTask.get(task);
      if (steps === undefined) return null;
      return new Map([...steps].map(([step, one]) => [step, textOf(one)]));
    },
    stop: beat,
  };

  function take(one: Held): void {
    if (one.behind === null) queueOf(one.queue).turns.remove(one);
    else (one.behind.by === 'circuit' ? circuits : running).leave(one.behind.key, one);
    forgetOne(one);
  }

  function textOf(one: Held): string {
    if (one.behind !== null) return (one.behind.by === 'circuit' ? circuits : running).text(one.behind.key);
    const { turns, limit } = queueOf(one.queue);
    return `its turn in queue "${one.queue}": ${turns.size} wait here, and ${limit} are handed out at a time`;
  }
};
