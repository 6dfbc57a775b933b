// Doing what the engine decided. Every durable effect has a name that follows from its task, step and attempt, so saying it again after a
// crash changes nothing; each counts as unsaid until the server has it, and no snapshot is written before.
import { type Burial, bury, PassingMap, PassingSet } from '@capstan/bus';
import { type Effect, type Intervention, limits, type OrderDraft } from '@capstan/contracts';
import { attemptMs, hearsOfUnserved } from '@capstan/engine';
import type { Actor } from './actor.ts';
import { sayToActor } from './actors/say.ts';
import type { Alarms } from './alarms.ts';
import type { Broker } from './broker.ts';
import { beginChild, informParent, steerChild } from './children.ts';
import { type Deserted, nobodyServes } from './deserted.ts';
import { corpseOf } from './doors/corpse.ts';
import { objectKey } from './doors/plan-ref.ts';
import { failOrder, type OrderName } from './fail-order.ts';
import { keepAsk } from './keep-ask.ts';
import { tellChange } from './notices.ts';
import { eventSubject, sayEvent, untilStored } from './say.ts';
import type { Turnstile } from './turnstile.ts';
import type { World } from './world.ts';

type Wake = Extract<Effect, { kind: 'wake' }>;

export interface Performer {
  perform(actor: Actor, effects: readonly Effect[]): void;
  /** Puts aside a message that is nothing to decide on. */
  bury(actor: Actor, burial: Burial): void;
  /** Forgets what is only held in memory for a task. */
  forget(actor: Actor): void;
}

export const performer = (
  world: World,
  alarms: Alarms,
  broker: Broker,
  turnstile: Turnstile,
  deserted: Deserted,
): Performer => {
  const { bus, names } = world;

  /** Runs something durable; the task's snapshot waits until it is stored. */
  const durable = (actor: Actor, what: string, say: () => Promise<unknown>) => {
    actor.unsaid += 1;
    say().then(
      () => void (actor.unsaid -= 1),
      (error: unknown) => {
        // Not counted down: without this effect the task must not be snapshotted, so a restart will say it again.
        world.log.error({ err: error, task: actor.id }, `${what} could not be stored`);
        world.fatal(error);
      },
    );
  };

  const isForNobody = (actor: Actor, queue: string): boolean => deserted.has(queue) && hearsOfUnserved(actor.state);

  /** Orders that are being said: nobody can have them yet. */
  const leaving = new PassingSet<string>();
  const order = (actor: Actor, queue: string, draft: OrderDraft) => {
    // Nobody would come for it: a queue is looked for anew, at once.
    if (isForNobody(actor, queue)) {
      durable(actor, 'that nobody is there', () => failOrder(world, nameOf(actor, queue, draft), nobodyServes(queue)));
      return;
    }
    const report = eventSubject(world, actor.id, actor.key, 'report', queue, draft.step_id, draft.attempt);
    const data = JSON.stringify({ ...draft, lease: report.token, report_to: report.subject });
    const subject = names.order(queue, draft.task_id, draft.step_id, draft.attempt);
    // No letter takes more than three bytes; most orders are far from the limit.
    const bytes = data.length * 3 <= limits.bodyBytesMax ? 0 : Buffer.byteLength(data);
    if (bytes > limits.bodyBytesMax) {
      durable(actor, 'a refusal', () => refuse(actor, queue, draft, bytes));
      return;
    }
    const name = `${world.membership.term} ${actor.id} ${draft.step_id} ${draft.attempt}`;
    leaving.add(name);
    durable(actor, 'an order', () =>
      untilStored(world, () => bus.once({ subject, data })).finally(() => leaving.delete(name)),
    );
  };

  /** An order that no message can hold fails like one that an agent could not do. */
  const refuse = (actor: Actor, queue: string, draft: OrderDraft, size: number) => {
    const message = `The order would have ${size} bytes; at most ${limits.bodyBytesMax} fit. Hand large values on as artifacts or by reference.`;
    return failOrder(world, nameOf(actor, queue, draft), { code: 'too_large', message, retryable: false });
  };

  const buryStep = async (actor: Actor, effect: Extract<Effect, { kind: 'bury' }>) => {
    const subject = names.order(effect.queue, actor.id, effect.step, effect.attempt);
    const original = await bus.log(names.streams.orders).last(subject);
    await bury(bus, {
      source: 'coordinator',
      reason: effect.reason,
      error: effect.error,
      hint: effect.hint,
      attempts: effect.attempts,
      at: world.clock.now(),
      task: actor.id,
      step: effect.step,
      // What was sent, byte for byte; where it is purged already, the same order again without its lease.
      message:
        original === null
          ? { subject, data: JSON.stringify(effect.order), stream: names.streams.orders }
          : corpseOf(original, names.streams.orders),
      identity: `${actor.id} ${effect.step} ${effect.attempt} ${effect.reason}`,
    });
  };

  const keep = async (ref: string, data: string) => {
    const key = objectKey(names, ref);
    if (key === null) throw new Error(`the reference ${ref} is to another store`);
    await bus.objects(names.buckets.artifacts).put(key, Buffer.from(data));
  };

  const asks = new PassingMap<string, Promise<unknown>>();
  const ask = (actor: Actor, intervention: Intervention) => {
    // One after the other for each, so that a question can't come after its end.
    const turn = `${world.membership.term} ${intervention.id}`;
    const before = asks.get(turn) ?? Promise.resolve();
    const write = before.then(() => untilStored(world, () => keepAsk(world, intervention)));
    asks.set(turn, write);
    durable(actor, 'what is asked', () => write.finally(() => asks.get(turn) === write && asks.delete(turn)));
  };

  /** Tasks that are being begun: what is to be done to one comes after. */
  const spawning = new Map<string, Promise<unknown>>();
  const spawn = (actor: Actor, effect: Extract<Effect, { kind: 'spawn' }>) => {
    const begun = untilStored(world, () => beginChild(world, broker, actor, effect));
    const turn = `${world.membership.term} ${effect.child}`;
    spawning.set(turn, begun);
    durable(actor, 'a sub-task', () => begun.finally(() => spawning.get(turn) === begun && spawning.delete(turn)));
  };
  const steer = async (actor: Actor, effect: Extract<Effect, { kind: 'steer' }>) => {
    await spawning.get(`${world.membership.term} ${effect.child}`);
    await steerChild(world, actor, effect);
  };

  const wake = (actor: Actor, effect: Wake) => {
    if (effect.why !== 'attempt') return alarms.set(actor.id, effect.n, effect.at, () => ring(actor, effect));
    // Where it was due before anybody could look, nobody here knows when the order was handed out.
    const unseen = effect.at < world.clock.now();
    alarms.set(actor.id, effect.n, effect.at, () => look(actor, effect, unseen));
  };

  const cancel = (actor: Actor, { step, attempt, reason, forceAt }: Extract<Effect, { kind: 'cancel' }>) => {
    const queue = turnstile.drop(actor.id, step, attempt);
    if (queue === null) {
      const force_at = new Date(forceAt).toISOString();
      return bus.tell(names.cancel(actor.id, step), JSON.stringify({ attempt, reason, force_at }));
    }
    // The order never left, so nobody else will say how it ended.
    const { subject, token } = eventSubject(world, actor.id, actor.key, 'report', queue, step, attempt);
    const said = { v: 1, task_id: actor.id, step_id: step, attempt, lease: token, agent: 'capstan' };
    const error = { code: 'cancelled', message: `The order had not left its queue: ${reason}` };
    const data = JSON.stringify({ ...said, outcome: 'cancelled', error });
    durable(actor, 'a withdrawal', () => untilStored(world, () => bus.once({ subject, data })));
  };

  const ring = (actor: Actor, { n, step }: Wake): void => {
    const say = () => sayEvent(world, actor.id, actor.key, ['woke', n], { v: 1, step });
    untilStored(world, say).catch(world.fatal);
  };

  const forgotten = new WeakSet<Actor>();
  /** The time of an attempt is over. `hasWaited`: when that was so before, nobody had the order yet, or nobody knows. */
  const look = (actor: Actor, effect: Wake, hasWaited: boolean): void => {
    const then = (afterMs: number, act: () => void) => alarms.set(actor.id, effect.n, world.clock.now() + afterMs, act);
    const decide = async () => {
      const place = await untilStored(world, () => placeOf(actor, effect));
      // Dropped from memory meanwhile: whoever has it now looks for himself.
      if (forgotten.has(actor)) return;
      // Nobody has it yet, so nobody is late: its time has not begun.
      if (place === 'waiting') return then(undeliveredRecheckMs, () => look(actor, effect, true));
      const lasts = attemptMs(actor.state, effect.step ?? '');
      // Reported meanwhile.
      if (lasts === 0) return;
      // Where it has been handed out since, its time begins now.
      then((hasWaited && place === 'given' ? lasts : 0) + attemptGraceMs, () => ring(actor, effect));
    };
    decide().catch(world.fatal);
  };

  /** Where an order is: on its way to its queue or in it, handed out to somebody, or gone, if it ever was one. */
  const placeOf = async (actor: Actor, { step, attempt }: Wake): Promise<'waiting' | 'given' | 'nowhere'> => {
    const id = step ?? '';
    if (turnstile.holds(actor.id, id, attempt) || leaving.has(`${world.membership.term} ${actor.id} ${id} ${attempt}`))
      return 'waiting';
    const stored = await bus.log(names.streams.orders).last(names.order('*', actor.id, id, attempt));
    const queue = stored?.subject.split('.')[2];
    const info = queue === undefined ? null : await bus.queueInfo(queue);
    if (stored === null || info === null) return 'nowhere';
    return info.delivered < stored.seq ? 'waiting' : 'given';
  };

  const one = (actor: Actor, effect: Effect): void => {
    switch (effect.kind) {
      case 'order':
        // What leaves for nobody takes nobody's turn.
        if (isForNobody(actor, effect.queue) || turnstile.mayGo(actor, effect.queue, effect.order))
          return order(actor, effect.queue, effect.order);
        return turnstile.hold(actor, effect.queue, effect.order, () => order(actor, effect.queue, effect.order));
      case 'bury':
        return durable(actor, 'a dead letter', () => untilStored(world, () => buryStep(actor, effect)));
      case 'keep':
        return durable(actor, 'an output', () => untilStored(world, () => keep(effect.ref, effect.data)));
      case 'ask':
        return ask(actor, effect.intervention);
      case 'spawn':
        return spawn(actor, effect);
      case 'steer':
        return durable(actor, 'a command', () => untilStored(world, () => steer(actor, effect)));
      case 'inform':
        return durable(actor, 'how a sub-task ended', () => untilStored(world, () => informParent(world, effect)));
      case 'cancel':
        return cancel(actor, effect);
      case 'wake':
        return wake(actor, effect);
      case 'unwake':
        return alarms.clear(actor.id, effect.n);
      case 'route':
        return broker.want({
          task: actor.id,
          key: actor.key,
          step: effect.step,
          attempt: effect.attempt,
          capability: effect.capability,
          needs: effect.needs,
          isHurried: effect.isHurried,
        });
      case 'say':
        return durable(actor, 'a word to an actor', () => untilStored(world, () => sayToActor(world, actor, effect)));
      case 'tell':
        return tellChange(world, actor, effect.step, effect.status);
      default:
        return effect satisfies never;
    }
  };

  return {
    perform: (actor, effects) => {
      for (const effect of effects) one(actor, effect);
    },
    bury: (actor, burial) => durable(actor, 'a dead letter', () => untilStored(world, () => bury(bus, burial))),
    forget: (actor) => {
      forgotten.add(actor);
      alarms.forget(actor.id);
      broker.forget(actor.id);
      turnstile.forget(actor.id);
    },
  };
};

const nameOf = ({ id, key }: Actor, queue: string, { step_id: step, attempt }: OrderDraft): OrderName => ({
  ...{ task: id, key, queue, step, attempt },
});

/** An agent's own time-out is reported first, so that its words count and not our silence. */
const attemptGraceMs = 2_000;
const undeliveredRecheckMs = 2_000;
