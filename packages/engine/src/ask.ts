// Asking a person: an approval, a question, or a flag on a failure that only a person can judge. Each ask ends once.
import type { Effect, Intervention, Json, WakeReason } from '@capstan/contracts';
import { arm, change, type Draft, idIn, specIn } from './draft.ts';
import { iso, sha256 } from './hash.ts';
import type { OpenAsk } from './state.ts';

interface Asking {
  readonly kind: OpenAsk['kind'];
  readonly text: string;
  readonly roles: readonly string[];
  readonly expiresMs: number;
  readonly inputHash: string;
  readonly details: Json;
  readonly schema?: Json;
  readonly risk?: string;
}

export const ask = (draft: Draft, slot: number, asking: Asking): void => {
  const { task } = draft;
  const step = draft.steps.read(slot);
  task.lastAsk += 1;
  const id = `i${sha256(`${task.taskId} ${idIn(draft, slot)} ${task.lastAsk}`).slice(0, 19)}`;
  const expiresAt = draft.at + asking.expiresMs;
  const open: OpenAsk = {
    kind: asking.kind, slot, attempt: step.attempt, inputHash: asking.inputHash, roles: asking.roles,
    createdAt: draft.at, expiresAt, text: asking.text,
  };
  task.asks = { ...task.asks, [id]: open };
  task.interventions = [...task.interventions, id];
  draft.effects.push({ kind: 'ask', intervention: describe(draft, id, open, asking) });
  const words = { approval: 'approval', question: 'an answer', flag: 'a decision' }[asking.kind];
  const roles = asking.roles.length > 0 ? ` by ${asking.roles.join(' or ')}` : '';
  change(draft, slot, {
    status: asking.kind === 'approval' ? 'awaiting_approval' : 'awaiting_input',
    asked: id,
    waitingFor: `${words}${roles} until ${iso(expiresAt)}: ${asking.text} (${id})`,
  });
  arm(draft, slot, expiresAt, 'expiry' satisfies WakeReason);
};

const describe = (draft: Draft, id: string, open: OpenAsk, asking: Asking): Intervention => {
  const { task } = draft;
  const spec = specIn(draft, open.slot);
  return {
    v: 1,
    id,
    kind: open.kind,
    status: 'pending',
    task_id: task.taskId,
    step_id: idIn(draft, open.slot),
    tenant: task.request.tenant ?? 'default',
    title: `${task.request.title ?? task.taskId}: ${spec.step.title ?? idIn(draft, open.slot)}`,
    text: open.text,
    ...(asking.risk === undefined ? {} : { risk: asking.risk }),
    requester: task.request.requester ?? null,
    roles: [...open.roles],
    plan_hash: task.planHash ?? '',
    input_hash: open.inputHash,
    details: asking.details,
    ...(asking.schema === undefined ? {} : { schema: asking.schema }),
    created_at: iso(open.createdAt),
    expires_at: open.expiresAt === null ? null : iso(open.expiresAt),
    decided_at: null,
    by: null,
    role: null,
    reason: null,
  };
};

export interface Ending {
  readonly status: Intervention['status'];
  readonly by: string | null;
  readonly role?: string | undefined;
  readonly reason: string | null;
  readonly value?: Json;
}

/** Closes an ask for good, and says so to whoever keeps the list of what waits for a person. */
export const closeAsk = (draft: Draft, id: string, ending: Ending): OpenAsk | null => {
  const { [id]: open, ...rest } = draft.task.asks;
  if (open === undefined) return null;
  draft.task.asks = rest;
  const asking: Asking = { kind: open.kind, text: open.text, roles: open.roles, expiresMs: 0, inputHash: open.inputHash, details: null };
  const { details: _, ...described } = describe(draft, id, open, asking);
  const effect: Effect = {
    kind: 'ask',
    intervention: {
      ...described,
      status: ending.status,
      by: ending.by,
      role: ending.role ?? null,
      reason: ending.reason,
      ...(ending.value === undefined ? {} : { value: ending.value }),
      decided_at: iso(draft.at),
    },
  };
  draft.effects.push(effect);
  return open;
};

/** What was asked about a step is no longer of interest: the task was cancelled, or the step skipped. */
export const withdraw = (draft: Draft, slot: number, reason: string): void => {
  const { asked } = draft.steps.read(slot);
  if (asked !== null) closeAsk(draft, asked, { status: 'withdrawn', by: null, reason });
};
