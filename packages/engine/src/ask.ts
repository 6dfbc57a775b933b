// Asking a person: an approval, a question, or a flag on a failure that only a person can judge. Each ask ends once.
import type { Intervention, Json } from '@capstan/contracts';
import { eachAsks } from './approved.ts';
import { arm, change, type Draft, idIn, specIn } from './draft.ts';
import { iso, sha256 } from './hash.ts';
import { tellPeople } from './tell.ts';
import type { OpenAsk, TaskState } from './state.ts';

interface Asking {
  readonly kind: OpenAsk['kind'];
  /** Which policy wants it, where one does. */
  readonly policy?: string;
  readonly text: string;
  readonly roles: readonly string[];
  readonly ofApproved?: true;
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
    id,
    kind: asking.kind,
    ...(asking.policy === undefined || task.rules < eachAsks ? {} : { policy: asking.policy }),
    ...(asking.ofApproved === true ? { ofApproved: true } : {}),
    slot,
    attempt: step.attempt,
    inputHash: asking.inputHash,
    roles: asking.roles,
    createdAt: draft.at,
    expiresAt,
    text: asking.text,
  };
  ownAsks(draft)[id] = open;
  task.interventions = [...task.interventions.slice(1 - interventionsKept), id];
  draft.effects.push({ kind: 'ask', intervention: { ...describe(draft, open), ...particulars(asking) } });
  const { status, words, event } = manners[asking.kind];
  const roles = asking.roles.length > 0 ? ` by ${asking.roles.join(' or ')}` : '';
  const waitingFor = `${words}${roles} until ${iso(expiresAt)}: ${asking.text} (${id})`;
  change(draft, slot, { status, asked: open, waitingFor });
  arm(draft, slot, expiresAt, 'expiry');
  tellPeople(draft, event, `"${idIn(draft, slot)}" waits for ${waitingFor}`, slot);
};

const manners = {
  approval: { status: 'awaiting_approval', words: 'approval', event: 'approval.requested' },
  question: { status: 'awaiting_input', words: 'an answer', event: 'question.asked' },
  flag: {
    status: 'awaiting_input',
    words:
      'a decision (approve: try again; reject: give up; answer "skip": go on without it; any other answer: try again and tell the agent)',
    event: 'flag.raised',
  },
} as const;

/** More are in the inbox; a record that names them all would not fit into a message. */
const interventionsKept = 1_000;

const ownAsks = (draft: Draft): Record<string, OpenAsk> => (draft.asks ??= { ...draft.before.asks });

/** What is said once, when it is asked; whoever keeps the list keeps it. */
const particulars = ({ details, schema, risk }: Asking) => ({
  details,
  ...(schema === undefined ? {} : { schema }),
  ...(risk === undefined ? {} : { risk }),
});

const describe = (draft: Draft, open: OpenAsk): Intervention => {
  const { task } = draft;
  const id = idIn(draft, open.slot);
  return {
    v: 1,
    id: open.id,
    kind: open.kind,
    status: 'pending',
    task_id: task.taskId,
    step_id: id,
    tenant: task.request.tenant ?? 'default',
    title: `${task.request.title ?? task.taskId}: ${specIn(draft, open.slot).step.title ?? id}`,
    text: open.text,
    ...(open.policy === undefined ? {} : { policy: open.policy }),
    four_eyes: needsOther(task, open),
    requester: task.request.requester ?? null,
    roles: [...open.roles],
    plan_hash: task.planHash ?? '',
    input_hash: open.inputHash,
    created_at: iso(open.createdAt),
    expires_at: open.expiresAt === null ? null : iso(open.expiresAt),
    decided_at: null,
    by: null,
    role: null,
    reason: null,
  };
};

/** Whether somebody else has to decide than whoever asked for the task. */
export const needsOther = ({ settings }: Pick<TaskState, 'settings'>, { kind, ofApproved }: OpenAsk): boolean =>
  (kind === 'approval' || ofApproved === true) && settings.approval.four_eyes;

export interface Ending {
  readonly status: Intervention['status'];
  readonly by: string | null;
  readonly role?: string | undefined;
  readonly reason: string | null;
  readonly value?: Json;
}

/** Closes an ask for good, and says so to whoever keeps the list of what waits for a person. */
export const closeAsk = (draft: Draft, open: OpenAsk, ending: Ending): void => {
  const asks = ownAsks(draft);
  delete asks[open.id];
  change(draft, open.slot, { asked: null });
  draft.effects.push({
    kind: 'ask',
    intervention: {
      ...describe(draft, open),
      status: ending.status,
      by: ending.by,
      role: ending.role ?? null,
      reason: ending.reason,
      ...(ending.value === undefined ? {} : { value: ending.value }),
      decided_at: iso(draft.at),
    },
  });
};

/** What was asked about a step is no longer of interest: the task was cancelled, or the step skipped. */
export const withdraw = (draft: Draft, slot: number, reason: string): void => {
  const { asked } = draft.steps.read(slot);
  if (asked !== null) closeAsk(draft, asked, { status: 'withdrawn', by: null, reason });
};
