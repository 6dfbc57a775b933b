// Faults that are planted on purpose, one at a time, to see that the simulator would find them. Each is a change to the text of one source, made
// while it is loaded; a text that is not there exactly once is an error, so this list stays true.

import { archiveBugs } from './archive-bugs.ts';
import { listBugs } from './list-bugs.ts';
import { moreBugs } from './more-bugs.ts';
import { sharedBugs } from './shared-bugs.ts';

export interface Bug {
  readonly name: string;
  /** What it would do to somebody. */
  readonly harm: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const partition = 'services/coordinator/src/partition.ts';
const storing = 'services/coordinator/src/storing.ts';
const arrivals = 'services/coordinator/src/arrivals.ts';
const snapshots = 'services/coordinator/src/snapshots.ts';
const perform = 'services/coordinator/src/perform.ts';
const checkpoint = 'services/coordinator/src/checkpoint.ts';
const plain = 'services/coordinator/src/doors/plain.ts';
const broker = 'services/coordinator/src/broker.ts';
const engine = (file: string): string => `packages/engine/src/${file}`;

export const bugs: readonly Bug[] = [
  ...archiveBugs,
  ...listBugs,
  ...moreBugs,
  ...sharedBugs,
  // The laws of not losing things
  {
    name: 'snapshot-before-orders',
    harm: 'an order that a crash swallows is never said again',
    file: storing,
    from: 'if (actor.unsaid > 0 || actor.writingFrom !== null) continue;',
    to: 'if (actor.writingFrom !== null) continue;',
  },
  {
    name: 'snapshot-over-anything',
    harm: 'two owners overwrite each other',
    file: snapshots,
    from: 'expect: actor.revision,',
    to: 'expect: null,',
  },
  {
    name: 'checkpoint-past-what-is-dirty',
    harm: 'events are passed over that no snapshot covers',
    file: storing,
    from: 'for (const actor of dirty) low = earlier(low, uncoveredFrom(actor));',
    to: '',
  },
  {
    name: 'checkpoint-past-what-is-being-written',
    harm: 'the same, for a moment',
    file: storing,
    from: 'for (const actor of writing) low = earlier(low, uncoveredFrom(actor));',
    to: '',
  },
  {
    name: 'failed-snapshot-counts',
    harm: 'a snapshot that was refused is taken for stored',
    file: storing,
    from: 'actor.dirtyFrom = earlier(actor.writingFrom, actor.dirtyFrom);',
    to: 'if (1 > 0) dirty.delete(actor);',
  },
  {
    name: 'no-reload-when-overtaken',
    harm: 'a coordinator goes on with what it believes',
    file: 'services/coordinator/src/ownership.ts',
    from: 'void change();\n  };',
    to: '};',
  },
  {
    name: 'what-arrives-while-loading-is-dropped',
    harm: 'a report is lost',
    file: arrivals,
    from: '    arrival.held.push(heard);',
    to: '',
  },
  {
    name: 'two-copies-of-a-task',
    harm: 'one copy does not know what the other decided',
    file: partition,
    from: 'if (!actors.has(task) && quarantines.of(task) === null) void load(task);',
    to: 'void load(task);',
  },
  {
    name: 'covered-events-again',
    harm: 'what a snapshot covers is applied once more',
    file: partition,
    from: 'if (message.seq <= actor.state.seq && message.at <= actor.state.at) return;',
    to: '',
  },
  {
    name: 'tokens-unchecked',
    harm: 'anybody may say anything',
    file: partition,
    from: 'if (!isGenuine(world, heard, actor.key)) return forged(heard);',
    to: '',
  },
  {
    name: 'orders-said-anew',
    harm: 'the same order is stored twice',
    file: perform,
    from: 'untilStored(world, () => bus.once({ subject, data })).finally(() => leaving.delete(name)),',
    to: 'untilStored(world, () => bus.append({ subject, data })).finally(() => leaving.delete(name)),',
  },
  {
    name: 'timers-forgotten-on-load',
    harm: 'a task that waits for a time waits for ever',
    file: partition,
    from: 'keep(actor, standsOf(loaded));\n    });',
    to: 'keep(actor, []);\n    });',
  },
  {
    name: 'open-tasks-unlisted',
    harm: 'the next owner does not know who waits',
    file: checkpoint,
    from: '      dirty.add(page);\n    },',
    to: '    },',
  },
  {
    name: 'checkpoint-before-the-list',
    harm: 'a crash between the two forgets a task',
    file: checkpoint,
    from: 'for (const page of changed) dirty.add(page);',
    to: '',
  },
  {
    name: 'one-try-to-order',
    harm: 'an order that the server refuses is lost',
    file: perform,
    from: 'untilStored(world, () => bus.once({ subject, data })).finally(() => leaving.delete(name)),',
    to: 'bus.once({ subject, data }).catch(() => {}).finally(() => leaving.delete(name)),',
  },
  {
    name: 'dead-letters-skipped',
    harm: 'what failed for good is nowhere',
    file: perform,
    from: "return durable(actor, 'a dead letter', () => untilStored(world, () => buryStep(actor, effect)));",
    to: 'return;',
  },
  {
    name: 'questions-unasked',
    harm: 'nobody is ever asked',
    file: 'services/coordinator/src/keep-ask.ts',
    from: "if (!isBusError(error, 'conflict')) throw error;",
    to: '',
  },
  {
    name: 'plain-door-lets-go-first',
    harm: 'a crash after the acknowledgement loses the task',
    file: plain,
    from: '    const { task_id: task, created } = await admit(',
    to: '    await delivery.ack();\n    const { task_id: task, created } = await admit(',
  },
  {
    name: 'blocked-for-ever',
    harm: 'a step stays blocked although its agent came',
    file: broker,
    from: '    for (const wanted of wants.values()) settle(wanted);\n  });',
    to: '  });',
  },

  // What an orchestrator decides
  {
    name: 'any-report-counts',
    harm: 'a late report of a lost attempt is applied',
    file: engine('events/report.ts'),
    from: "if (step.status !== 'running' || step.attempt !== event.attempt) {",
    to: "if (step.status === 'pending') {",
  },
  {
    name: 'dependencies-of-failures-run',
    harm: 'work is done on what is not there',
    file: engine('settle.ts'),
    from: '  if (bad) doom(draft, draft.task.shape.specs[at] as Spec);\n  else if (left === 0)',
    to: '  if (left === 0)',
  },
  {
    name: 'one-dependency-is-enough',
    harm: 'a join runs before all it joins',
    file: engine('settle.ts'),
    from: 'const left = draft.waits.read(at) - 1;',
    to: 'const left = 0;',
  },
  {
    name: 'retries-without-end',
    harm: 'a failing step is tried for ever',
    file: engine('fail.ts'),
    from: 'if (tries >= rule.maxAttempts) {',
    to: 'if (tries >= rule.maxAttempts + 1e9) {',
  },
  {
    name: 'non-retryable-retried',
    harm: 'what can not succeed is tried again',
    file: engine('fail.ts'),
    from: 'if (!isRetryable(failure, rule)) {',
    to: 'if (1 > 2) {',
  },
  {
    name: 'attempts-count-anew',
    harm: 'a report of the last round counts in this one',
    file: engine('dispatch.ts'),
    from: 'const attempt = step.attempt + 1;',
    to: 'const attempt = step.tries + 1;',
  },
  {
    name: 'approval-forgotten',
    harm: 'something risky is done unasked',
    file: engine('policies/index.ts'),
    from: "const mode = policy.mode?.(settings) ?? 'enforce';",
    to: "const mode = policy.name === 'approval' ? 'off' : (policy.mode?.(settings) ?? 'enforce');",
  },
  {
    name: 'no-time-out',
    harm: 'a silent agent holds its step for ever',
    file: engine('dispatch.ts'),
    from: "else arm(draft, slot, over, 'attempt');",
    to: "else arm(draft, slot, over + 1e12, 'attempt');",
  },
  {
    name: 'pause-ignored',
    harm: 'a paused task goes on',
    file: engine('dispatch.ts'),
    from: 'if (task.hold !== null) return task.hold.text;',
    to: '',
  },
  {
    name: 'resume-does-nothing',
    harm: 'a task that was resumed stays where it is',
    file: engine('settle.ts'),
    from: "if (draft.steps.read(slot).status === 'ready' && !isStopping(draft, specIn(draft, slot))) advance(draft, slot);",
    to: '',
  },
  {
    name: 'cancel-forgets-who-runs',
    harm: 'a cancelled task never ends',
    file: engine('stop.ts'),
    from: "arm(draft, slot, forceAt, 'cancel');",
    to: '',
  },
  {
    name: 'jitter-by-chance',
    harm: 'two readers of the log disagree',
    file: engine('hash.ts'),
    from: 'let hash = 0x811c9dc5;',
    to: 'let hash = Math.trunc(Math.random() * 2 ** 31);',
  },
  {
    name: 'time-by-the-wall',
    harm: 'the same',
    file: engine('draft.ts'),
    from: 'const at = Math.max(state.at, event.at);',
    to: 'const at = Math.max(state.at, event.at) + Math.trunc(Math.random() * 3);',
  },
  {
    name: 'gate-always-open',
    harm: 'a phase begins although the one before it failed',
    file: engine('gate-rule.ts'),
    from: 'if (wanted !== null && successRate(draft.groups.read(phase)) < wanted) return false;',
    to: '',
  },
  {
    name: 'news-lost',
    harm: 'nobody is told',
    file: engine('notify.ts'),
    from: 'if (draft.news.length === 0) return false;',
    to: 'draft.news.length = 0;\n  if (draft.news.length === 0) return false;',
  },
  {
    name: 'answers-thrown-away',
    harm: 'a person answers, and the agent asks again',
    file: engine('events/decided.ts'),
    from: 'else change(draft, slot, { answer, ...afterAnswer(draft.steps.read(slot)) });',
    to: '',
  },
  {
    name: 'growth-lost',
    harm: 'steps that a step added are not done',
    file: engine('events/report.ts'),
    from: 'if (growth !== null && growth.steps.length > 0) addSteps(draft, growth.steps, report.agent);',
    to: '',
  },
];
