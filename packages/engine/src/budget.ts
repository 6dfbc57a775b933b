// What is left of a task's budget: for itself, and for the tasks that do its steps. What those were given is not given twice.
import type { Json } from '@capstan/contracts';
import { change, type Draft, slotsWhere } from './draft.ts';
import type { Granted } from './state.ts';

/** The rules since which a spent budget ends the task, and tasks below it share what is left. */
const budgetsEnd = 3;
export const isShared = ({ task }: Draft): boolean => task.rules >= budgetsEnd;

/** Of the tokens of a task: how many there are, and how many are used; null where nobody counts. */
export const tokensOf = ({ task }: Draft): { readonly most: number; readonly used: number } | null => {
  const most = task.request.budget?.tokens;
  return most === undefined ? null : { most, used: task.usage.tokensIn + task.usage.tokensOut };
};

export const isSpent = (draft: Draft): boolean => {
  const tokens = isShared(draft) ? tokensOf(draft) : null;
  return tokens !== null && tokens.used >= tokens.most;
};

/** Where tokens are spent and something besides checks is still to be done, that is the end of the task, whatever steps say of their failure. */
export const endSpent = (draft: Draft): void => {
  const { task } = draft;
  if (task.ending !== null || task.open <= task.verifying || !isSpent(draft)) return;
  const tokens = tokensOf(draft);
  const reason = `the budget of ${tokens?.most} tokens is used up: ${tokens?.used} were used`;
  task.ending = { as: 'failed', reason, by: null };
};

/** What the tasks below that run were given. */
export const granted = (draft: Draft, what: keyof Granted): number => {
  let sum = 0;
  for (const slot of slotsWhere(draft, (step) => step.status === 'running' && step.granted !== null))
    sum += draft.steps.read(slot).granted?.[what] ?? 0;
  return sum;
};

/** What is neither used nor given away; null where nobody counts. */
export const tokensLeft = (draft: Draft): number | null => {
  const tokens = tokensOf(draft);
  return tokens === null ? null : Math.max(0, tokens.most - tokens.used - granted(draft, 'tokens'));
};

/** Steps of the tasks below it: those that were begun, and those that may still be. */
export const stepsBelow = (draft: Draft): number =>
  isShared(draft) && draft.task.request.budget?.steps !== undefined
    ? draft.task.stepsBelow + granted(draft, 'steps')
    : 0;

/** What the task that did a step says of its own steps, and of those below it. */
export const noteStepsBelow = (
  draft: Draft,
  slot: number,
  usage: Readonly<Record<string, unknown>> | undefined,
): void => {
  const { granted: given } = draft.steps.read(slot);
  if (given === null) return;
  const used = usage?.['steps'] as Json | undefined;
  change(draft, slot, { granted: null });
  draft.task.stepsBelow += typeof used === 'number' && used >= 0 ? used : (given.steps ?? 0);
};
