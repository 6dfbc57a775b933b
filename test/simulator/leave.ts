// Whether a task that is queued waits for what others really hold: a quota that nobody uses up must hold nobody.
import { actorId, actorKindOf } from '@capstan/contracts';
import { quotasOf, taskEnded, type TaskState, type TenantState } from '@capstan/engine';
import type { Followed, Oracle } from './oracle.ts';

export const waitsForOthers = (oracle: Oracle, { taskId, request, settings }: TaskState): boolean => {
  const found = oracle.actors.get(actorId('tenant', request.tenant ?? 'default'))?.versions.at(-1)?.state;
  if (found === undefined) return false;
  const { open, waiting } = found as TenantState;
  if (!waiting.some(({ task }) => task === taskId)) return false;
  const holders = Object.entries(open).filter(([task]) => !isOver(oracle.stateOf(task)));
  const { tenant, requester } = quotasOf(settings, request);
  const own = holders.filter(([, name]) => name === (request.requester ?? ''));
  return holders.length >= (tenant.open_tasks ?? Infinity) || own.length >= (requester.open_tasks ?? Infinity);
};

/** Tasks that are over, and that a tenant still counts as open. */
export const heldLeave = ({ id, versions }: Followed, oracle: Oracle): string[] =>
  actorKindOf(id) === 'tenant'
    ? versions
        .slice(-1)
        .flatMap(({ state }) => Object.keys((state as TenantState).open))
        .filter((task) => isOver(oracle.stateOf(task)))
    : [];

const isOver = (state: TaskState | null): boolean => state !== null && taskEnded(state.status);
