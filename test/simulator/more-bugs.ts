// Further faults that are planted on purpose: between tasks and what else has state, in purging, turns and takeovers, and in what people may.
import type { Bug } from './bugs.ts';

const partition = 'services/coordinator/src/partition.ts';
const perform = 'services/coordinator/src/perform.ts';
const purge = 'services/coordinator/src/purge-orders.ts';
const engine = (file: string): string => `packages/engine/src/${file}`;

export const moreBugs: readonly Bug[] = [
  {
    name: 'held-orders-forgotten-on-load',
    harm: 'what waited for its turn in a coordinator that died is never ordered',
    file: 'services/coordinator/src/snapshots.ts',
    from: 'owes ? [...standing(actor.state), ...owedOrders(actor.state)] : standing(actor.state);',
    to: 'owes ? standing(actor.state) : standing(actor.state);',
  },
  {
    name: 'held-orders-unsaid-in-snapshots',
    harm: 'nobody who loads the task knows that orders of it have not left',
    file: 'services/coordinator/src/snapshots.ts',
    from: '...(actor.held > 0 ? { view: { owed: true } satisfies View } : {}),',
    to: '',
  },
  {
    name: 'sub-tasks-never-begun',
    harm: 'a step waits for a task that is not there',
    file: perform,
    from: 'return spawn(actor, effect);',
    to: 'return;',
  },
  {
    name: 'parents-never-told',
    harm: 'a sub-task ends, and its parent waits on',
    file: perform,
    from: "return durable(actor, 'how a sub-task ended', () => untilStored(world, () => informParent(world, effect)));",
    to: 'return;',
  },
  {
    name: 'sub-tasks-not-steered',
    harm: 'a cancelled task leaves those below it running',
    file: perform,
    from: "return durable(actor, 'a command', () => untilStored(world, () => steer(actor, effect)));",
    to: 'return;',
  },
  {
    name: 'orders-purged-undone',
    harm: 'an order is gone before an agent has done it',
    file: purge,
    from: 'const upTo = Math.min(floor, safe);',
    to: 'const upTo = Math.max(floor, safe);',
  },
  {
    name: 'orders-purged-above-the-checkpoint',
    harm: 'after a crash the order is said again, its name is free, and the work is done twice',
    file: 'services/coordinator/src/order-marks.ts',
    from: 'if (first.event > event || first.at > now - ageMs) break;',
    to: '',
  },
  {
    name: 'checkpoint-past-other-actors',
    harm: 'what a circuit was told is passed over, though no snapshot of it holds that',
    file: partition,
    from: '[caution.uncovered(), others.uncovered(), ahead.uncovered()]',
    to: '[caution.uncovered(), ahead.uncovered()]',
  },
  {
    name: 'alarms-ring-early',
    harm: 'attempts are given up while they still have time',
    file: 'services/coordinator/src/alarms.ts',
    from: 'next !== undefined && next.at <= now; next = heap[0]',
    to: 'next !== undefined && next.at <= now + 400; next = heap[0]',
  },
  {
    name: 'takeover-reads-from-the-end',
    harm: 'what was said while nobody owned the partition is never heard',
    file: 'services/coordinator/src/feeds.ts',
    from: 'const after = Math.min(...partitions.map((partition) => partition.after));',
    to: 'const after = last;',
  },
  {
    name: 'late-while-nobody-has-it',
    harm: 'an order that waits in its queue counts as an agent that is silent',
    file: perform,
    from: "if (place === 'waiting') return then(undeliveredRecheckMs, () => look(actor, effect, true));",
    to: '',
  },
  {
    name: 'late-when-handed-out',
    harm: 'what waited long in its queue is given up as soon as an agent has it',
    file: perform,
    from: "then((hasWaited && place === 'given' ? lasts : 0) + attemptGraceMs, () => ring(actor, effect));",
    to: 'then(attemptGraceMs, () => ring(actor, effect));',
  },
  {
    name: 'circuit-never-tried-again',
    harm: 'one bad minute stops a queue for good',
    file: engine('actors/breaker.ts'),
    from: "if (state.circuit !== 'open' || Number(event.name[0]) !== state.timer)",
    to: 'if (1 > 0)',
  },
  {
    name: 'circuit-timer-forgotten-on-load',
    harm: 'the same, after a restart',
    file: engine('actors/breaker.ts'),
    from: "circuit === 'open' && retryAt !== null ? [{ kind: 'wake', n: timer, at: retryAt }] : [],",
    to: "circuit === 'open' && retryAt === timer ? [{ kind: 'wake', n: timer, at: retryAt }] : [],",
  },
  {
    name: 'nothing-undone',
    harm: 'a task that failed leaves behind what it had done',
    file: engine('finish.ts'),
    from: "task.request.on_failure === 'compensate' && !task.compensated) {",
    to: "task.request.on_failure === 'compensate' && task.compensated) {",
  },
  {
    name: 'deadline-ignored',
    harm: 'a task goes on after its deadline',
    file: engine('events/submitted.ts'),
    from: "if (deadline !== undefined) armTask(draft, timeMs(deadline), 'deadline');",
    to: '',
  },
  {
    name: 'tokens-without-end',
    harm: 'a task spends more than it may',
    file: engine('policies/budget.ts'),
    from: 'if (most === undefined || used < most || specIn(draft, slot).internal) return allowed;',
    to: 'if (most === undefined || used < most * 1e9 || specIn(draft, slot).internal) return allowed;',
  },
  {
    name: 'asked-for-ever',
    harm: 'an approval that nobody gives never expires',
    file: engine('ask.ts'),
    from: "arm(draft, slot, expiresAt, 'expiry');",
    to: '',
  },
  {
    name: 'loops-without-end',
    harm: 'a phase that fails is begun again for ever',
    file: engine('gate.ts'),
    from: 'loopsOf(draft, phase.name) < (phase.max_loops ?? loopsDefault)',
    to: 'loopsOf(draft, phase.name) < 10 + (phase.max_loops ?? loopsDefault)',
  },
  {
    name: 'four-eyes-closed',
    harm: 'whoever asks for something risky approves it too',
    file: engine('events/decided.ts'),
    from: 'open.four_eyes && body.by === open.requester)',
    to: 'open.four_eyes && body.by === undefined)',
  },
  {
    name: 'roles-ignored',
    harm: 'anybody approves what only some may',
    file: engine('events/decided.ts'),
    from: "if (open.roles.length > 0 && !open.roles.includes(body.role ?? ''))",
    to: "if (open.roles.length > 99 && !open.roles.includes(body.role ?? ''))",
  },
];
