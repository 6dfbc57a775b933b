// How a sub-task ended is told to the task whose step it did, in the words of a report.
import type { ReportDraft } from '@capstan/contracts';
import type { Draft } from './draft.ts';
import { shortened } from './failure-mode.ts';
import type { TaskState } from './state.ts';
import { stepsUsed } from './steps-left.ts';

/** Said once for each attempt of the step: where a person brings the sub-task back later, its parent has gone on. */
export const informParent = (draft: Draft): void => {
  const { parent } = draft.task;
  if (parent === null) return;
  draft.effects.push({ kind: 'inform', parent, report: reportOf(draft, parent) });
};

const reportOf = (draft: Draft, parent: NonNullable<TaskState['parent']>): ReportDraft => {
  const { task } = draft;
  const { usage } = task;
  const steps = task.rules >= 3 && task.request.budget?.steps !== undefined ? { steps: stepsUsed(draft) } : {};
  return {
    v: 1,
    task_id: parent.task_id,
    step_id: parent.step_id,
    attempt: parent.attempt,
    agent: task.taskId,
    ...(task.status === 'succeeded'
      ? { outcome: 'succeeded', output: task.result ?? {} }
      : {
          outcome: 'failed',
          error: {
            code: task.status === 'cancelled' ? 'child_cancelled' : 'child_failed',
            message: `Task ${task.taskId} ${task.status}: ${shortened(task.reason ?? 'it did not say why')}`,
            retryable: task.status !== 'cancelled',
          },
        }),
    usage: { tokens_in: usage.tokensIn, tokens_out: usage.tokensOut, wall_ms: usage.wallMs, ...steps },
  };
};
