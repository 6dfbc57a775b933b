// From "nothing left to wait for" to an order: holds, policies, a person's word, a queue.
import { type Failure, type Json, limits } from '@capstan/contracts';
import { ask } from './ask.ts';
import { block } from './block.ts';
import { arm, change, type Draft, end, idIn, specIn } from './draft.ts';
import { UnresolvedReference } from './expressions/reference.ts';
import { failForGood } from './fail.ts';
import { inputHash } from './hash.ts';
import { leaveText } from './leave.ts';
import { tellPeople } from './tell.ts';
import { capabilityOf, orderFor, timeoutOf } from './order.ts';
import { wasHindered } from './hindered.ts';
import { isAllowed } from './policies/judge.ts';
import { isReplanning } from './replanning.ts';
import { inputOf } from './scope.ts';
import { beginsLate, isHurried, slaDue } from './sla.ts';
import { spawn } from './spawn.ts';
import type { StepState } from './state.ts';
import { childIdOf, isSubTask } from './sub-task.ts';

type Input = Record<string, Json>;

/** Moves a step that waits for nothing as far as it may go now. Called again whenever what held it may have gone. */
export const advance = (draft: Draft, slot: number): void => {
  // Whatever comes of it, it has had its turn; where it must wait again, it is said again.
  if (draft.steps.read(slot).heldBy !== null) change(draft, slot, { heldBy: null });
  const held = holdOn(draft, slot);
  if (held !== null) {
    change(draft, slot, { status: 'ready', waitingFor: held });
    return;
  }
  if (draft.steps.read(slot).stage === 'verify') {
    if (isAllowed(draft, slot, null)) send(draft, slot, null);
    return;
  }
  const input = resolved(draft, slot);
  if (input !== null && isAllowed(draft, slot, input) && !isForPeople(draft, slot, input)) send(draft, slot, input);
};

/** Why a step may not start now although nothing before it is open, in words; null when it may. */
const holdOn = (draft: Draft, slot: number): string | null => {
  const { task } = draft;
  const spec = specIn(draft, slot);
  if (task.leave === 'asked' && !spec.errand) return leaveText(task);
  if (spec.internal) return null;
  if (task.hold !== null) return task.hold.text;
  if (isReplanning(draft)) return 'the planner, which was asked for another plan';
  if (draft.steps.read(slot).started) return null;
  if (task.request.checkpoints?.includes(spec.step.id) === true) {
    const text = `somebody to resume the task, which pauses before "${idIn(draft, slot)}"`;
    task.hold = { why: 'checkpoint', by: null, text, spec: spec.at };
    tellPeople(draft, 'task.paused', `The task waits for ${text}.`);
    return text;
  }
  return task.request.mode === 'manual'
    ? `somebody to start it: capstan start ${task.taskId} --step ${idIn(draft, slot)}`
    : null;
};

const resolved = (draft: Draft, slot: number): Input | null => {
  try {
    return inputOf(draft, slot);
  } catch (error) {
    if (!(error instanceof UnresolvedReference)) throw error;
    const failure: Failure = { code: 'unresolved_reference', message: error.message, retryable: false };
    failForGood(draft, slot, failure, 'not_retryable');
    return null;
  }
};

/** Two capabilities only ask a person; once that is answered there is nothing left to order. */
const isForPeople = (draft: Draft, slot: number, input: Input): boolean => {
  const { step } = specIn(draft, slot);
  if (step.capability === 'approval') {
    end(draft, slot, 'succeeded', { output: { approved: true } });
    return true;
  }
  if (step.capability !== 'input') return false;
  ask(draft, slot, {
    kind: 'question',
    text: typeof input['text'] === 'string' ? input['text'] : (step.title ?? 'Input is needed.'),
    roles: step.approval?.roles ?? [],
    inputHash: inputHash(draft.task.planHash, input),
    details: input,
    expiresMs: step.approval?.expires_ms ?? limits.questionExpiresMs,
    ...(input['schema'] === undefined ? {} : { schema: input['schema'] }),
  });
  return true;
};

/** Orders the next attempt, or asks for a queue where the stored configuration names none. */
const send = (draft: Draft, slot: number, input: Input | null): void => {
  const step = draft.steps.read(slot);
  const spec = specIn(draft, slot);
  const attempt = step.attempt + 1;
  const capability = capabilityOf(spec, step);
  if (isSubTask(spec, step)) return begin(draft, slot, attempt, input ?? {});
  const needs = step.stage === 'do' ? spec.step.needs : undefined;
  const isKnown = needs === undefined && !wasHindered(draft, step.error);
  const queue = step.routed === attempt ? step.queue : isKnown ? routeOf(draft, capability) : null;
  if (queue === null) {
    const known = step.wanted === attempt;
    if (known && step.unrouted !== null) return block(draft, slot, step.unrouted);
    change(draft, slot, {
      status: 'ready',
      waitingFor: `a queue for "${capability}"`,
      wanted: attempt,
      unrouted: null,
    });
    const wanted = { step: idIn(draft, slot), attempt, capability, needs: needs ?? {}, isHurried: isHurried(spec) };
    if (!known) draft.effects.push({ kind: 'route', ...wanted });
    return;
  }
  const waitingFor = `an agent of queue "${queue}" to report attempt ${attempt}`;
  const next = run(draft, slot, { attempt, queue, agent: null, waitingFor });
  draft.effects.push({ kind: 'order', queue, order: orderFor(draft, slot, next, input) });
};

/** Begins the task that does this step's work. */
const begin = (draft: Draft, slot: number, attempt: number, input: Input): void => {
  const failure = spawn(draft, slot, attempt, input);
  if (failure !== null) return failForGood(draft, slot, failure, 'not_retryable');
  const agent = childIdOf(draft.task.taskId, idIn(draft, slot), attempt);
  run(draft, slot, { attempt, queue: null, agent, waitingFor: `task ${agent} to end (capstan why ${agent})` });
};

const routeOf = (draft: Draft, capability: string): string | null => {
  const { routes } = draft.task;
  return Object.hasOwn(routes, capability) ? (routes[capability] as string) : null;
};

/** From now on an attempt runs, and has an end in any case. */
const run = (
  draft: Draft,
  slot: number,
  begun: Pick<StepState, 'attempt' | 'queue' | 'agent' | 'waitingFor'>,
): StepState => {
  const step = draft.steps.read(slot);
  const spec = specIn(draft, slot);
  const { attempt: n, agent } = begun;
  const kept =
    step.attempts.length < limits.attemptsKept ? step.attempts : step.attempts.slice(1 - limits.attemptsKept);
  const next = change(draft, slot, {
    ...begun,
    status: 'running',
    unjudged: null,
    // Checking is part of the try that it checks.
    tries: step.stage === 'do' ? step.tries + 1 : step.tries,
    startedAt: step.startedAt ?? draft.at,
    attempts: [...kept, { n, agent, startedAt: draft.at, finishedAt: null, outcome: null, error: null }],
  });
  if (draft.task.startedAt === null && !spec.internal) draft.task.startedAt = draft.at;
  const over = draft.at + timeoutOf(draft, spec, step);
  const sla = slaDue(draft, spec, next);
  if (sla !== null && sla < over) arm(draft, slot, sla, 'sla');
  else arm(draft, slot, over, 'attempt');
  beginsLate(draft, slot);
  return next;
};
