// Going back: steps that had ended begin again, and with them whatever came after.
import { armTask, change, type Draft, slotsWhere, specIn } from './draft.ts';
import { timeMs } from '@capstan/contracts';
import { reset } from './gate.ts';
import { specOf } from './plan/shape.ts';
import { recount } from './recount.ts';
import { hasEnded, taskEnded } from './state.ts';

/** Starts slots again with fresh attempts, or with `skippedBy` counts them as skipped; what depends on them is done again either way. */
export const revive = (draft: Draft, slots: readonly number[], skippedBy?: string): void => {
  const { task } = draft;
  const after = downstream(draft, slots);
  const stopped = (slot: number) => draft.steps.read(slot).status === 'cancelled' || draft.steps.read(slot).doomed;
  const again = slotsWhere(draft, (step, slot) => hasEnded(step.status) && !specIn(draft, slot).internal && (after.has(slot) || stopped(slot)));
  for (const slot of again) if (!slots.includes(slot)) reset(draft, slot);
  for (const slot of slots) {
    if (skippedBy === undefined) reset(draft, slot);
    else change(draft, slot, { status: 'skipped', doomed: false });
  }
  task.failures = slotsWhere(draft, (step, slot) => step.status === 'failed' && (specIn(draft, slot).step.on_failure ?? 'fail') === 'fail' && !specIn(draft, slot).internal).length;
  task.ending = null;
  if (task.hold?.why === 'failure') task.hold = null;
  if (taskEnded(task.status)) {
    task.status = 'running';
    task.finishedAt = null;
    task.result = null;
    task.history = [...task.history, { status: 'running', at: draft.at, by: null }];
    const { deadline } = task.request;
    if (deadline !== undefined && timeMs(deadline) > draft.at) armTask(draft, timeMs(deadline), 'deadline');
  }
  recount(draft);
};

/** Everything that waits, however far down, for one of these slots. */
const downstream = (draft: Draft, slots: readonly number[]): ReadonlySet<number> => {
  const { shape } = draft.task;
  const specs = new Set<number>();
  const queue = slots.map((slot) => specOf(shape, slot).at);
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const spec = shape.specs[at];
    if (spec === undefined) continue;
    const groups = [spec.family, spec.phase].filter((group) => group >= 0);
    for (const next of [...(shape.next[at] ?? []), ...groups.flatMap((group) => shape.groups[group]?.next ?? [])]) {
      if (specs.has(next)) continue;
      specs.add(next);
      queue.push(next);
    }
  }
  return new Set([...specs].flatMap((at) => {
    const spec = shape.specs[at];
    return spec === undefined ? [] : Array.from({ length: spec.count }, (_, member) => spec.first + member);
  }));
};
