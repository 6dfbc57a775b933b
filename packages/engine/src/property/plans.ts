// Random tasks: every feature of a plan, small enough that most of them get far.
import type { Plan } from '@capstan/contracts';
import fc from 'fast-check';
import { checkPlan } from '../plan/check.ts';

export interface RandomTask {
  readonly plan: Plan;
  /** The plan comes from a planner rather than with the submission. */
  readonly byPlanner: boolean;
  readonly request: Record<string, unknown>;
}

/** One of some values, each as often as its weight says. */
const weighted = <T extends string | number | boolean | undefined>(weights: ReadonlyMap<T, number>): fc.Arbitrary<T> =>
  fc.oneof(...[...weights].map(([value, weight]) => ({ weight, arbitrary: fc.constant(value) })));

/** Mostly `usual`; now and then one of the others. */
const mostly = <T extends string | number | boolean | undefined>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  weighted(new Map([[usual, 4 * others.length], ...others.map((other): [T, number] => [other, 1])]));

const phasesOf = fc.array(
  fc.record({
    gate: fc.constantFrom(undefined, 0, 0.5, 1),
    feedback: fc.boolean(),
    back: fc.nat(2),
    loops: fc.nat(2),
  }),
  { maxLength: 3 },
);

const stepOf = fc.record({
  dependsOn: fc.array(fc.nat(9), { maxLength: 3 }),
  phase: fc.constantFrom(undefined, 0, 1, 2),
  capability: mostly('noop', 'input', 'approval', 'elsewhere', 'task'),
  each: weighted(
    new Map([
      ['none', 20],
      ['count', 3],
      ['empty', 1],
      ['fixed', 2],
      ['params', 3],
      ['output', 4],
      ['nothing', 1],
    ] as const),
  ),
  when: weighted(
    new Map([
      ['', 20],
      ['params.yes', 1],
      ['params.no', 2],
      ['before', 4],
      ['loop', 3],
      ['broken', 1],
    ] as const),
  ),
  input: weighted(
    new Map([
      ['plain', 10],
      ['before', 8],
      ['each', 4],
      ['missing', 1],
    ] as const),
  ),
  onFailure: mostly('fail', 'skip', 'continue'),
  attempts: fc.integer({ min: 1, max: 3 }),
  risk: mostly('low', 'high'),
  approval: mostly(false, true),
  verify: mostly(false, true),
  undo: fc.boolean(),
  needs: mostly(false, true),
  sla: mostly(0, 50_000),
});

type StepDraft = typeof stepOf extends fc.Arbitrary<infer T> ? T : never;

const stepFrom = (draft: StepDraft, at: number, phases: number): Record<string, unknown> => {
  const before = [...new Set(draft.dependsOn.filter((on) => on < at).map((on) => `s${on}`))];
  const first = before[0];
  const each = {
    none: undefined,
    count: { count: 2 },
    empty: { items: [] },
    fixed: { items: ['x', 'y', 'z'] },
    params: { items: '${{ params.list }}' },
    output: first === undefined ? undefined : { items: `\${{ steps.${first}.output.list }}` },
    nothing: { items: '${{ params.nothing }}' },
  }[draft.each];
  const when = {
    '': undefined,
    'params.yes': 'params.yes',
    'params.no': 'params.no',
    before: first === undefined ? undefined : `steps.${first}.status != "skipped"`,
    loop: phases > 0 ? 'loop.p0 == 0' : undefined,
    broken: 'params.list',
  }[draft.when];
  const input = {
    plain: { a: 1 },
    before: first === undefined ? {} : { n: `\${{ steps.${first}.output }}` },
    each: each === undefined ? { t: '${{ task.id }}' } : { i: '${{ each.index }}', x: '${{ each.item }}' },
    missing: { m: '${{ params.missing }}' },
  }[draft.input];
  const child = {
    title: 'A part of it',
    plan: { params: { n: 1 }, steps: [{ id: 'a', capability: 'noop', input: { n: '${{ params.n }}' } }] },
    on_child_failure: (['fail', 'ask', 'continue'] as const)[at % 3],
  };
  return {
    id: `s${at}`,
    capability: draft.capability,
    input: draft.capability === 'task' ? { ...child, metadata: input } : input,
    ...(before.length > 0 ? { depends_on: before } : {}),
    ...(draft.phase !== undefined && draft.phase < phases ? { phase: `p${draft.phase}` } : {}),
    ...(each === undefined ? {} : { each }),
    ...(when === undefined ? {} : { when }),
    ...(draft.onFailure === 'fail' ? {} : { on_failure: draft.onFailure }),
    retry: { max_attempts: draft.attempts },
    ...(draft.risk === 'low' ? {} : { risk: draft.risk }),
    ...(draft.approval ? { approval: { roles: ['lead'] } } : {}),
    ...(draft.verify ? { verify: [{ command: ['true'] }] } : {}),
    ...(draft.undo ? { undo: { capability: 'noop', input: { of: `\${{ steps.s${at}.output }}` } } } : {}),
    ...(draft.needs ? { needs: { os: 'linux' } } : {}),
    ...(draft.sla > 0 ? { sla_ms: draft.sla } : {}),
  };
};

export const randomPlan = (most: number): fc.Arbitrary<Plan> =>
  fc
    .tuple(phasesOf, fc.array(stepOf, { minLength: 1, maxLength: most }))
    .map(
      ([phases, steps]) =>
        ({
          params: { yes: true, no: false, list: [1, 2] },
          phases: phases.map((phase, at) => ({
            name: `p${at}`,
            ...(phase.gate === undefined ? {} : { gate: { min_success_rate: phase.gate } }),
            ...(phase.feedback ? { feedback_to: `p${Math.min(phase.back, at)}`, max_loops: phase.loops } : {}),
          })),
          steps: steps.map((step, at) => stepFrom(step, at, phases.length)),
        }) as unknown as Plan,
    )
    .filter((plan) => checkPlan(plan).issues.length === 0);

export const randomTask = (most: number): fc.Arbitrary<RandomTask> =>
  fc
    .record({
      plan: randomPlan(most),
      byPlanner: mostly(false, true),
      onFailure: fc.constantFrom('stop', 'continue', 'continue', 'pause', 'compensate'),
      mode: mostly('auto', 'manual'),
      start: mostly(true, false),
      checkpoint: fc.oneof(
        { weight: 4, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.nat(most - 1) },
      ),
      deadline: mostly(false, true),
      tokens: mostly<number | undefined>(undefined, 5),
      replans: mostly(0, 1, 2),
      wall: mostly(false, true),
      over: mostly('', 'ask', 'abort', 'warn'),
    })
    .map(({ plan, byPlanner, onFailure, mode, start, checkpoint, deadline, tokens, wall, replans, over }) => ({
      plan,
      byPlanner,
      request: {
        task_id: 't1',
        title: 'A task',
        on_failure: onFailure,
        ...(mode === 'auto' ? {} : { mode }),
        ...(start ? {} : { start }),
        ...(replans > 0 ? { replan: { max: replans } } : {}),
        ...(checkpoint !== undefined && checkpoint < plan.steps.length ? { checkpoints: [`s${checkpoint}`] } : {}),
        // What is found now and then is minor.
        ...(over === '' ? {} : { thresholds: { max_minor: 0, over } }),
        ...(deadline ? { deadline: '2026-01-02T00:00:00Z' } : {}),
        ...(tokens === undefined && !wall
          ? {}
          : { budget: { ...(tokens === undefined ? {} : { tokens }), ...(wall ? { wall_ms: 1_000_000 } : {}) } }),
      },
    }));
