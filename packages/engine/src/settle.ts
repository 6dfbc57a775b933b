// What follows from what an event said: steps that ended free or doom what waits for them, phases open or loop back, and in the end the
// task itself ends. One loop over work lists; nothing recurses, so a chain of 10,000 steps that are all skipped is no deeper than one.
import { advance } from './dispatch.ts';
import { type Draft, end } from './draft.ts';
import { UnresolvedReference } from './expressions/reference.ts';
import { failForGood } from './fail.ts';
import { finish } from './finish.ts';
import { gate, loopBack } from './gate.ts';
import { grow } from './grow.ts';
import { sendErrands } from './notify.ts';
import { type Group, type Spec, specOf } from './plan/shape.ts';
import { dependsOnBad, doom, endedBadly } from './recount.ts';
import { conditionHolds, itemsOf } from './scope.ts';
import { taskEnded } from './state.ts';
import { showStatus } from './status.ts';
import { stopAll } from './stop.ts';

export const settle = (draft: Draft): void => {
  let known = draft.before.ending;
  do {
    if (draft.task.ending !== known && !taskEnded(draft.task.status)) stopAll(draft);
    known = draft.task.ending;
    drain(draft);
  } while (finish(draft));
  showStatus(draft);
};

// In this order: counting anew (a loop back, a family that opens, an errand) is right only while no end is left to be followed up.
const drain = (draft: Draft): void => {
  for (;;) {
    const ended = draft.ended.shift();
    if (ended !== undefined) {
      followUp(draft, ended);
      continue;
    }
    if (draft.loop !== null) {
      loopBack(draft, draft.loop);
      continue;
    }
    const freed = draft.freed.shift();
    if (freed !== undefined) {
      start(draft, draft.task.shape.specs[freed] as Spec);
      continue;
    }
    if (!sendErrands(draft)) return;
  }
};

/** Tells whatever waits for a step that it has ended. */
const followUp = (draft: Draft, slot: number): void => {
  const { shape } = draft.task;
  const spec = specOf(shape, slot);
  const step = draft.steps.read(slot);
  const bad = endedBadly(step);
  if (spec.family < 0) for (const next of shape.next[spec.at] as readonly number[]) release(draft, next, bad);
  for (const group of [spec.family, spec.phase]) {
    if (group < 0) continue;
    const state = draft.groups.read(group);
    const next = { left: state.left - 1, succeeded: state.succeeded + Number(step.status === 'succeeded'), failed: state.failed + Number(bad) };
    draft.groups.write(group, next);
    if (next.left > 0) continue;
    const { kind, next: waiting } = shape.groups[group] as Group;
    const passed = kind === 'family' ? next.failed === 0 : gate(draft, group, next);
    if (passed !== null) for (const at of waiting) release(draft, at, !passed);
  }
};

const release = (draft: Draft, at: number, bad: boolean): void => {
  const spec = draft.task.shape.specs[at] as Spec;
  if (bad && spec.first >= 0) {
    doom(draft, spec);
    return;
  }
  const left = draft.waits.read(at) - 1;
  draft.waits.write(at, left);
  if (left === 0 || bad) draft.freed.push(at);
};

/** A step, or each member of a family, that nothing before it holds any more. */
const start = (draft: Draft, spec: Spec): void => {
  if (draft.task.ending !== null && !spec.internal) return;
  if (spec.first < 0) {
    open(draft, spec);
    return;
  }
  for (let slot = spec.first; slot < spec.first + spec.count; slot += 1) {
    if (draft.steps.read(slot).status !== 'pending') continue;
    if (spec.step.when !== undefined) {
      const verdict = conditionHolds(draft, slot, spec);
      if ('issue' in verdict) {
        failForGood(draft, slot, { code: 'invalid_condition', message: `"${spec.step.when}": ${verdict.issue}`, retryable: false }, 'not_retryable');
        continue;
      }
      if (!verdict.holds) {
        end(draft, slot, 'skipped');
        continue;
      }
    }
    advance(draft, slot);
    if (draft.task.ending !== null && !spec.internal) return;
  }
};

/** A family whose list is known now, or will never be. */
const open = (draft: Draft, spec: Spec): void => {
  if (dependsOnBad(draft, spec)) {
    grow(draft, { kind: 'items', spec: spec.at, items: [null] });
    return;
  }
  try {
    grow(draft, { kind: 'items', spec: spec.at, items: itemsOf(draft, spec) });
  } catch (error) {
    if (!(error instanceof UnresolvedReference)) throw error;
    grow(draft, { kind: 'items', spec: spec.at, items: [null] });
    const { first } = draft.task.shape.specs[spec.at] as Spec;
    failForGood(draft, first, { code: 'unresolved_reference', message: error.message, retryable: false }, 'not_retryable');
  }
};
