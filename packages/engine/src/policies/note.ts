// What policies said no to is part of the task: which one, to what, why.
import { type Json, limits } from '@capstan/contracts';
import type { Draft } from '../draft.ts';

export const note = (
  draft: Draft,
  policy: string,
  mode: 'enforce' | 'check',
  step: string | null,
  phase: string | null,
  no: { readonly reason: string; readonly metadata?: Readonly<Record<string, Json>> },
): void => {
  const { task } = draft;
  const { reason, metadata = {} } = no;
  const isKnown = task.denials.some(
    (denial) => denial.policy === policy && denial.step === step && denial.phase === phase && denial.reason === reason,
  );
  if (isKnown) return;
  const kept = task.denials.length < limits.denialsKept ? task.denials : task.denials.slice(1 - limits.denialsKept);
  task.denials = [...kept, { policy, mode, step, phase, reason, metadata, at: draft.at }];
};
