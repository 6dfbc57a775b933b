// The status of a task that has not ended: what most of its open steps are about, in words that a person would choose.
import { limits, type TaskStatus } from '@capstan/contracts';
import { countsIn, type Draft, slotsWhere, specIn } from './draft.ts';
import { leaveText } from './leave.ts';
import { isReplanning, whyReplanned } from './replanning.ts';
import { type HistoryEntry, taskEnded, type TaskState } from './state.ts';

export const showStatus = (draft: Draft): void => {
  if (taskEnded(draft.task.status)) return;
  const { status, reason } = judge(draft);
  setStatus(draft, status, reason, null);
};

export const setStatus = (draft: Draft, status: TaskStatus, reason: string | null, by: string | null): void => {
  const { task } = draft;
  task.reason = reason;
  if (task.status === status) return;
  task.status = status;
  const entry: HistoryEntry = { status, at: draft.at, by };
  task.history = [...task.history.slice(1 - limits.historyKept), entry];
  draft.effects.push({ kind: 'tell', step: null, status });
};

interface Judgement {
  readonly status: TaskStatus;
  readonly reason: string | null;
}

const judge = (draft: Draft): Judgement => {
  const { task } = draft;
  const counts = countsIn(draft);
  const count = (status: keyof TaskState['counts']) => counts[status] ?? 0;
  if (task.ending !== null) return { status: 'running', reason: endingReason(task.ending, task.revivals.length > 0) };
  if (task.leave === 'asked') return { status: 'queued', reason: `waits for ${leaveText(task)}` };
  const busy = count('running') + count('retrying');
  if (task.plan === null && busy > 0) return { status: 'planning', reason: null };
  if (isReplanning(draft) && busy > 0)
    return { status: 'planning', reason: `planning anew, since ${whyReplanned(draft)}` };
  if (busy === 0 && task.hold !== null) {
    return { status: task.hold.why === 'planned' ? 'planned' : 'paused', reason: `waits for ${task.hold.text}` };
  }
  if (busy > 0) {
    const verifying = task.verifying > 0 && task.verifying === busy;
    const reason = task.hold === null ? null : `pausing: ${busy} still running`;
    return { status: verifying ? 'verifying' : 'running', reason };
  }
  if (count('awaiting_approval') > 0) return { status: 'awaiting_approval', reason: null };
  if (count('awaiting_input') > 0) return { status: 'awaiting_input', reason: null };
  if (count('blocked') > 0) return { status: 'blocked', reason: null };
  if (task.request.mode === 'manual' && count('ready') > 0 && isHeldByHand(draft)) {
    return { status: task.startedAt === null ? 'planned' : 'paused', reason: 'waits for somebody to start a step' };
  }
  return { status: task.plan === null ? 'planning' : 'running', reason: null };
};

const endingReason = (ending: NonNullable<TaskState['ending']>, again: boolean): string => {
  const what = ending.as === 'cancelled' ? 'being cancelled' : 'stopping';
  return `${what}${again ? ', then going back' : ''}: ${ending.reason}`;
};

const isHeldByHand = (draft: Draft): boolean =>
  slotsWhere(draft, (step, slot) => step.status === 'ready' && !step.started && !specIn(draft, slot).internal).length >
  0;
