// From "nothing left to wait for" to an order: conditions, holds, policies, a queue.
import { type Effect, limits } from '@capstan/contracts';
import { ask } from './ask.ts';
import { arm, change, type Draft, end, idIn, specIn } from './draft.ts';
import { UnresolvedReference } from './expressions/reference.ts';
import { failForGood } from './fail.ts';
import { sha256 } from './hash.ts';
import { capabilityOf, orderFor, timeoutOf } from './order.ts';
import { policies } from './policies/index.ts';
import { inputOf } from './scope.ts';
import type { Hold } from './state.ts';

/** Moves a step that waits for nothing as far as it may go now. Called again whenever what held it may have gone. */
export const advance = (draft: Draft, slot: number): void => {
  const held = holdOn(draft, slot);
  if (held !== null) {
    change(draft, slot, { status: 'ready', waitingFor: held });
    return;
  }
  if (draft.steps.read(slot).stage === 'do') {
    const judged = judge(draft, slot);
    if (!judged) return;
  }
  send(draft, slot);
};

/** Why a step may not start now although nothing before it is open, in words; null when it may. */
const holdOn = (draft: Draft, slot: number): string | null => {
  const { task } = draft;
  const spec = specIn(draft, slot);
  if (spec.internal) return null;
  if (task.hold !== null) return task.hold.text;
  const step = draft.steps.read(slot);
  if (step.started || step.attempt > 0) return null;
  if (task.request.checkpoints?.includes(spec.step.id)) {
    const hold: Hold = { why: 'checkpoint', by: null, text: `somebody to resume the task, which pauses before "${idIn(draft, slot)}"` };
    task.hold = hold;
    return hold.text;
  }
  return task.request.mode === 'manual' ? `somebody to start it: capstan start ${task.taskId} --step ${idIn(draft, slot)}` : null;
};

/** Whether policies let a step pass. Where they don't, the step is left waiting or ended. */
const judge = (draft: Draft, slot: number): boolean => {
  const input = resolved(draft, slot);
  if (input === null) return false;
  const inputHash = sha256(`${draft.task.planHash ?? ''}\n${JSON.stringify(input)}`);
  const spec = specIn(draft, slot);
  for (const policy of policies) {
    const judgement = policy.judge(draft, slot, inputHash);
    if (judgement.allowed) continue;
    if ('ask' in judgement) {
      const { roles, expiresMs, risk } = judgement.ask;
      ask(draft, slot, {
        kind: 'approval', text: judgement.reason, roles, expiresMs, inputHash, risk,
        details: { capability: spec.step.capability, input, description: spec.step.description ?? spec.step.title ?? '' },
      });
    } else {
      failForGood(draft, slot, { code: `denied_by_${policy.name}`, message: judgement.reason, retryable: false }, 'not_retryable');
    }
    return false;
  }
  // These two capabilities only ask a person; there is nothing left to order.
  if (spec.step.capability === 'approval') {
    end(draft, slot, 'succeeded', { output: { approved: true } });
    return false;
  }
  if (spec.step.capability === 'input' && draft.steps.read(slot).answer === null) {
    const text = typeof input['text'] === 'string' ? input['text'] : (spec.step.title ?? 'Input is needed.');
    ask(draft, slot, {
      kind: 'question', text, roles: spec.step.approval?.roles ?? [], inputHash, details: input,
      expiresMs: spec.step.approval?.expires_ms ?? limits.questionExpiresMs,
      ...(input['schema'] === undefined ? {} : { schema: input['schema'] }),
    });
    return false;
  }
  return true;
};

const resolved = (draft: Draft, slot: number): ReturnType<typeof inputOf> | null => {
  try {
    return inputOf(draft, slot);
  } catch (error) {
    if (!(error instanceof UnresolvedReference)) throw error;
    failForGood(draft, slot, { code: 'unresolved_reference', message: error.message, retryable: false }, 'not_retryable');
    return null;
  }
};

/** Orders the next attempt, or asks for a queue where the stored configuration names none. */
const send = (draft: Draft, slot: number): void => {
  const step = draft.steps.read(slot);
  const spec = specIn(draft, slot);
  const attempt = step.attempt + 1;
  const capability = capabilityOf(spec, step);
  const needs = step.stage === 'do' ? spec.step.needs : undefined;
  const queue = step.routed === attempt ? step.queue : needs === undefined ? (draft.task.routes[capability] ?? null) : null;
  if (queue === null) {
    change(draft, slot, { status: 'ready', waitingFor: `a queue for "${capability}"` });
    draft.effects.push({ kind: 'route', step: idIn(draft, slot), attempt, capability, needs: needs ?? {} });
    return;
  }
  const timeoutMs = timeoutOf(draft, spec, step);
  const next = change(draft, slot, {
    status: 'running',
    attempt,
    tries: step.stage === 'do' ? step.tries + 1 : step.tries,
    queue,
    routed: 0,
    agent: null,
    startedAt: step.startedAt ?? draft.at,
    waitingFor: `an agent of queue "${queue}" to report attempt ${attempt}`,
    attempts: [...step.attempts.slice(-(limits.attemptsKept - 1)), { n: attempt, agent: null, startedAt: draft.at, finishedAt: null, outcome: null, error: null }],
  });
  if (draft.task.startedAt === null && !spec.internal) draft.task.startedAt = draft.at;
  arm(draft, slot, draft.at + timeoutMs, 'attempt');
  const effect: Effect = { kind: 'order', queue, order: orderFor(draft, slot, next) };
  draft.effects.push(effect);
};
