// Leave to begin: a task of a tenant, or of a requester, with a quota of open tasks asks the tenant first. What was given is given back by the
// decision that ends the task; whoever else wants to know of its end is told by the same one.
import { actorId, type Event, type Json, type Quota, type Settings, type Submission } from '@capstan/contracts';
import type { Draft } from './draft.ts';
import { levelOf } from './turns.ts';
import { rulesVersion, type TaskState } from './state.ts';

/** What a tenant may do at once, and each requester of it. */
export interface Quotas {
  readonly tenant: Quota;
  readonly requester: Quota;
}

export const quotasOf = (settings: Settings, request: Pick<Submission, 'tenant' | 'requester'>): Quotas => {
  const { quotas } = settings;
  if (quotas === undefined) return { tenant: {}, requester: {} };
  return {
    tenant: { ...quotas.tenant, ...quotas.tenants?.[request.tenant ?? 'default'] },
    requester: { ...quotas.requester, ...quotas.requesters?.[request.requester ?? ''] },
  };
};

const mostOpen = ({ tenant, requester }: Quotas): readonly [number | null, number | null] => [
  tenant.open_tasks ?? null,
  requester.open_tasks ?? null,
];

/**
 * A task that does a step of another one waits for no leave: it might wait for what its parent holds. It counts all the same, so that nobody gets
 * round a quota by dividing his tasks.
 */
export const firstLeave = (event: Extract<Event, { kind: 'submitted' }>): TaskState['leave'] => {
  const [tenant, requester] = mostOpen(quotasOf(event.settings, event.request));
  if (tenant === null && requester === null) return 'none';
  if (event.body.parent === undefined) return 'asked';
  return (event.body.rules ?? rulesVersion) < partsCount ? 'none' : 'granted';
};

/** The rules since which sub-tasks count. */
const partsCount = 2;

/** Said once, when the task begins. */
export const askLeave = (draft: Draft): void => {
  const { task } = draft;
  if (task.leave === 'none') return;
  const [tenantMost, requesterMost] = mostOpen(quotasOf(task.settings, task.request));
  const body: Record<string, Json> = {
    tenant: tenantOf(task),
    requester: task.request.requester ?? '',
    level: levelOf(task.request.priority),
    tenant_most: tenantMost,
    requester_most: requesterMost,
    ...(task.leave === 'asked' ? {} : { waits: false }),
  };
  draft.effects.push({ kind: 'say', to: actorId('tenant', tenantOf(task)), name: ['wants', task.taskId], body });
};

const tenantOf = ({ request }: Pick<TaskState, 'request'>): string => request.tenant ?? 'default';

export const leaveText = (task: Pick<TaskState, 'request'>): string =>
  `room for it: tenant "${tenantOf(task)}" has as many open tasks as its quota allows`;

/** Said by the decision that ends a task. */
export const tellOfEnd = (draft: Draft): void => {
  const { task } = draft;
  for (const to of task.listeners)
    draft.effects.push({ kind: 'say', to, name: ['ended', task.taskId, task.seq], body: { status: task.status } });
  if (task.leave !== 'asked' && task.leave !== 'granted') return;
  task.leave = 'returned';
  draft.effects.push({ kind: 'say', to: actorId('tenant', tenantOf(task)), name: ['returned', task.taskId], body: {} });
};
