// Where orders leave. While a queue has room everything goes at once. Beyond that orders wait here, in memory, and leave by turns; so do those
// whose circuit is open. A view: no decision reads it, and what waits here follows from the states of its tasks.
import { limits, type OrderDraft, type Report } from '@capstan/contracts';
import { capabilityNow, levelOf, type TaskState, Turns, type Waiting } from '@capstan/engine';
import type { Actor } from './actor.ts';
import { type Circuits, openCircuits } from './circuits.ts';
import type { World } from './world.ts';

export interface Turnstile {
  /** Whether an order may leave now; then it is counted as outstanding. */
  mayGo(queue: string, capability: string): boolean;
  /** Keeps an order until its turn comes, and calls `send` then. */
  hold(actor: Actor, queue: string, order: OrderDraft, send: () => void): void;
  holds(task: string, step: string, attempt: number): boolean;
  /** Takes back an order that waits, and gives its queue; null where it has left already. */
  drop(task: string, step: string, attempt: number): string | null;
  forget(task: string): void;
  /** An attempt was reported; the state is the one before that counts. */
  reported(state: TaskState, queue: string, step: string, report: Report): void;
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
  /** The circuit that holds it; null where it waits for its turn. */
  behind: string | null;
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
}

/** How much work may lie in a queue whose agents are quick: what they do in this time. */
const aheadMs = 500;
const windowMs = 50;
const lookEveryMs = 1_000;

/** `capacity` is how many orders the live agents of a queue can do at once; 0 where there are none. */
export const turnstile = (world: World, capacity: (queue: string) => number): Turnstile => {
  const queues = new Map<string, Queue>();
  const held = new Map<string, Held>();
  const byTask = new Map<string, Map<string, Held>>();
  const nameOf = (task: string, step: string, attempt: number) => `${task} ${step} ${attempt}`;

  const queueOf = (name: string): Queue => {
    let queue = queues.get(name);
    if (queue === undefined) {
      queue = { name, turns: new Turns(), outstanding: 0, limit: leastOf(name), done: 0, since: 0, lookedAt: 0 };
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
    const { outstanding } = queue;
    world.bus.queueInfo(queue.name).then(
      (info) => {
        if (info === null) return;
        // What was said meanwhile may not have been counted there yet.
        const since = Math.max(0, queue.outstanding - outstanding);
        queue.outstanding = Math.min(queue.outstanding, info.pending + info.unacknowledged + since);
        release(queue);
      },
      () => {},
    );
    release(queue);
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
      const behind = circuits.pass(one.queue, one.capability);
      if (behind !== null) {
        one.behind = behind;
        circuits.wait(behind, one);
        continue;
      }
      queue.outstanding += 1;
      go(one);
    }
  };

  const enter = (one: Held): void => {
    one.behind = circuits.shut(one.queue, one.capability);
    if (one.behind !== null) return circuits.wait(one.behind, one);
    const queue = queueOf(one.queue);
    if (queue.turns.size === 0) Object.assign(queue, { since: world.clock.now(), done: 0 });
    queue.turns.push(one);
    look(queue);
    release(queue);
  };

  const circuits = openCircuits<Held>(world, enter);
  const beat = world.clock.every(lookEveryMs, () => {
    for (const queue of queues.values()) if (queue.turns.size > 0) look(queue);
    circuits.beat();
  });

  return {
    circuits,
    mayGo: (name, capability) => {
      if (circuits.any && circuits.shut(name, capability) !== null) return false;
      const queue = queueOf(name);
      if (queue.turns.size > 0 || queue.outstanding >= queue.limit) return false;
      if (circuits.any) circuits.pass(name, capability);
      queue.outstanding += 1;
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
    },
    reported: (state, name, step, report) => {
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
    else circuits.leave(one.behind, one);
    forgetOne(one);
  }

  function textOf(one: Held): string {
    if (one.behind !== null) return circuits.text(one.behind);
    const { turns, limit } = queueOf(one.queue);
    return `its turn in queue "${one.queue}": ${turns.size} wait here, and ${limit} are handed out at a time`;
  }
};
