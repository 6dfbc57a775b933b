// Tasks that do the steps of others: begun under an id that follows from the step and its attempt, steered by what is done to their parent,
// and in the end reported to it under the name that any report of that attempt has, so that only the first one counts.
import { canonical, sha256 } from '@capstan/bus';
import { type Effect, limits, type Plan, type SubmittedBody } from '@capstan/contracts';
import type { Actor } from './actor.ts';
import type { Broker } from './broker.ts';
import { capabilitiesOf } from './doors/admit.ts';
import { type FetchedPlan, fetchPlan, keepPlan } from './doors/fetch-plan.ts';
import { Refusal } from './doors/refusal.ts';
import { eventSubject, sayEvent } from './say.ts';
import { saySubmitted } from './say-submitted.ts';
import { submissionOf } from './submission-of.ts';
import type { World } from './world.ts';

type Of<K extends Effect['kind']> = Extract<Effect, { kind: K }>;

/** Where reports of the attempt are told that a task does: no agent has this queue for it, since none was given the attempt. */
const queue = 'task';

/** What is larger travels beside its submission, as a client's would. */
const planInlineBytesMax = limits.bodyBytesMax / 2;

export const beginChild = async (world: World, broker: Broker, actor: Actor, effect: Of<'spawn'>): Promise<void> => {
  const { child, request } = effect;
  try {
    const found = await planOf(world, effect);
    const plan = found?.plan ?? effect.plan;
    const inline = found === null && effect.plan !== null ? effect.plan : undefined;
    const capabilities = plan === null ? ['plan'] : capabilitiesOf(plan);
    const body: SubmittedBody = {
      v: 1,
      key: world.ring.current,
      rules: world.membership.rules,
      hash: sha256(canonical({ ...request, plan })),
      request,
      ...(inline === undefined ? {} : { plan: inline }),
      ...(found === null ? {} : { plan_ref: await keepPlan(world, child, found) }),
      settings: actor.settings,
      routes: broker.routesFor(capabilities),
      ...broker.risksFor(capabilities),
      parent: {
        task_id: actor.id,
        step_id: effect.step,
        attempt: effect.attempt,
        depth: effect.depth,
        depth_max: effect.depthMax,
        key: actor.key,
      },
    };
    await saySubmitted(world, child, body);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'unavailable') throw error;
    await refuse(world, actor, effect, error);
  }
};

const planOf = async (world: World, { plan, planRef }: Of<'spawn'>): Promise<FetchedPlan | null> => {
  if (planRef !== null && planRef !== undefined) return fetchPlan(world, planRef);
  const text = plan === null ? '' : JSON.stringify(plan);
  if (Buffer.byteLength(text) <= planInlineBytesMax) return null;
  return { plan: plan as Plan, bytes: Buffer.from(text), sha256: sha256(text) };
};

/** A task that can't be begun fails the attempt, as an agent would that can't do it. */
const refuse = async (world: World, actor: Actor, { child, step, attempt }: Of<'spawn'>, refusal: Refusal) => {
  // It may have been begun before a crash, by a process that found what is missing now.
  if ((await submissionOf(world, child)) !== null) return;
  const error = { code: 'invalid_input', message: refusal.message, retryable: false };
  const report = { v: 1, task_id: actor.id, step_id: step, attempt, agent: child, outcome: 'failed', error } as const;
  await say(world, { task_id: actor.id, step_id: step, attempt, key: actor.key }, report);
};

/** Where the task was never begun there is nothing to steer. */
export const steerChild = async (world: World, actor: Actor, effect: Of<'steer'>): Promise<void> => {
  const began = await submissionOf(world, effect.child);
  if (began === null) return;
  const body = { v: 1, command: effect.command, by: `task ${actor.id}`, reason: effect.reason.slice(0, 4_096) };
  await sayEvent(world, effect.child, began.body.key, ['commanded', effect.id], body);
};

export const informParent = (world: World, { parent, report }: Of<'inform'>): Promise<void> =>
  say(world, parent, report);

const say = async (
  world: World,
  parent: { task_id: string; step_id: string; attempt: number; key: string },
  report: Of<'inform'>['report'],
): Promise<void> => {
  const { task_id: task, step_id: step, attempt, key } = parent;
  const { subject, token } = eventSubject(world, task, key, 'report', queue, step, attempt);
  await world.bus.once({ subject, data: JSON.stringify({ ...report, lease: token }) });
};
