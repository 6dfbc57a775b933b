// Further faults that are planted on purpose: in what tasks share, and in what is done for them by the clock: quotas, turns, policies, schedules.
import type { Bug } from './bugs.ts';

const engine = (file: string): string => `packages/engine/src/${file}`;

export const sharedBugs: readonly Bug[] = [
  {
    name: 'quota-of-open-tasks-ignored',
    harm: 'one tenant takes the room of all',
    file: engine('actors/tenant.ts'),
    from: 'let room = before.most === null ? Infinity : before.most - Object.keys(open).length;',
    to: 'let room = Infinity;',
  },
  {
    name: 'leave-never-given-back',
    harm: 'a tenant that had as many tasks as it may never has another one',
    file: engine('leave.ts'),
    from: "if (task.leave !== 'asked' && task.leave !== 'granted') return;",
    to: "if (task.leave !== 'asked') return;",
  },
  {
    name: 'leave-for-a-task-that-is-over',
    harm: 'the same, where what a task says arrives in another order',
    file: engine('actors/tenant.ts'),
    from: 'if (state.early?.includes(task) === true)',
    to: 'if (1 > 2)',
  },
  {
    name: 'what-is-over-holds-a-quota',
    harm: 'an attempt that a coordinator before handed out keeps its place when it has ended',
    file: 'services/coordinator/src/turnstile.ts',
    from: 'if (again !== undefined) take(again);',
    to: '',
  },
  {
    name: 'feeds-outlive-their-owner',
    harm: 'who was out of touch reads on from where he had come to, and passes over what he dropped',
    file: 'services/coordinator/src/feeds.ts',
    from: 'await markAt(last)];\n      if (stops !== before) return;',
    to: 'await markAt(last)];',
  },
  {
    name: 'newer-tasks-passed-over',
    harm: 'while a new version is rolled out, an old coordinator counts as done what only the new one can decide',
    file: 'services/coordinator/src/ahead.ts',
    from: 'from = earlier(from, { seq: message.seq, at: message.at });',
    to: 'from = null;',
  },
  {
    name: 'own-policies-unasked',
    harm: 'what an installation forbids is done',
    file: engine('policies/index.ts'),
    from: '...policies.slice(0, before), ...ownPolicies(settings), ...policies.slice(before)',
    to: '...policies.slice(0, before), ...ownPolicies(settings).slice(99), ...policies.slice(before)',
  },
  {
    name: 'plans-talk-tools-down',
    harm: 'a risky tool is used unasked, since the plan says nothing of a risk',
    file: engine('risk.ts'),
    from: 'const risk = higher(planned, toolRisk(draft, step.capability));',
    to: "const risk = higher(planned, step.capability === '' ? toolRisk(draft, '') : 'low');",
  },
  {
    name: 'time-limit-ignored',
    harm: 'a step may take longer than the installation allows',
    file: engine('policies/task-timeout.ts'),
    from: 'if (wanted <= most) return allowed;',
    to: 'if (wanted <= most + 1e12) return allowed;',
  },
  {
    name: 'all-at-once',
    harm: 'more steps of a task run at a time than may',
    file: engine('policies/max-concurrent-tasks.ts'),
    from: 'if (runningIn(draft) < most) return allowed;',
    to: 'if (runningIn(draft) < most + 1) return allowed;',
  },
  {
    name: 'turns-forgotten',
    harm: 'a step waits for its turn, and nobody gives it',
    file: engine('settle.ts'),
    from: 'if (slot >= 0) advance(draft, slot);\n  return slot >= 0;',
    to: 'return slot < -1;',
  },
  {
    name: 'schedule-overlaps',
    harm: 'two tasks of a schedule run at once that may not',
    file: engine('actors/schedule.ts'),
    from: "if (running.length === 0 || overlap === 'allow') return draft.start(time);",
    to: 'if (running.length < 9) return draft.start(time);',
  },
  {
    name: 'schedule-forgotten-on-load',
    harm: 'a time comes, and nobody is there who waits for it',
    file: engine('actors/schedule.ts'),
    from: "spec === null || spec['paused'] === true ? [] : [{ kind: 'due', n, after, timing: timingOf(spec) }],",
    to: "spec === null || spec['paused'] !== 1 ? [] : [{ kind: 'due', n, after, timing: timingOf(spec) }],",
  },
  {
    name: 'scheduled-tasks-unsubmitted',
    harm: 'a time is due, and nothing is done',
    file: 'services/coordinator/src/actors/perform.ts',
    from: 'return submit(actor, effect);',
    to: 'return;',
  },
  {
    name: 'cancels-what-was-refused',
    harm: 'a schedule tries for ever to cancel a task that a quota refused, and its partition is never stored again',
    file: 'services/coordinator/src/actors/perform.ts',
    from: 'if (began === null) return;',
    to: "if (began === null) throw new Error('there is no such task');",
  },
  {
    name: 'replanned-past-its-end',
    harm: 'a planner is asked again and again',
    file: engine('replanning.ts'),
    from: 'task.replans >= replansMax(draft)) return false;',
    to: 'task.replans >= 3 + replansMax(draft)) return false;',
  },
];
