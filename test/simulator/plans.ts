// Random tasks: every feature of a plan, in small doses and in any mixture. What the agents will do about a step is written into its input.
import type { Plan, Step, Submission } from '@capstan/contracts';
import type { Random } from './random.ts';

/** What a simulated agent is told to do, by attempt. */
export interface Script {
  /** Attempts of the step, in the order in which agents see them; beyond the end it succeeds. */
  readonly acts: readonly (typeof acts)[number][];
  readonly slow: number;
}

const acts = [
  'ok',
  'fail',
  'fail',
  'fail',
  'reject',
  'ask',
  'hang',
  'crash',
  'grow',
  'large',
  'find',
  'wrong',
] as const;

/** Mostly what there are agents for; now and then a person, or what comes late, or never. */
const capabilityOf = (random: Random): string =>
  random.chance(0.08)
    ? 'rare'
    : random.chance(0.02)
      ? 'nobody'
      : random.chance(0.05)
        ? random.pick(['approval', 'input'] as const)
        : 'work';

export const randomTask = (random: Random, id: string, now: number, stepsMax = 7): Submission => {
  const plan = randomPlan(random, stepsMax);
  const ids = plan.steps.map((step) => step.id);
  const isPlanned = random.chance(0.08);
  return {
    task_id: id,
    title: `task ${id}`,
    tenant: random.pick(['red', 'blue']),
    priority: random.pick(['low', 'normal', 'high', 'urgent']),
    requester: random.pick(['alice', 'bob']),
    // A planner is told what to plan; what it gives counts from then on.
    ...(isPlanned ? { metadata: { plan: plan as never } } : { plan }),
    on_failure: random.pick(['stop', 'stop', 'continue', 'pause', 'compensate']),
    ...(random.chance(0.2) ? { replan: { max: random.int(1, 2) } } : {}),
    ...(random.chance(0.1) ? { start: false } : {}),
    ...(random.chance(0.08) ? { mode: 'manual' as const } : {}),
    ...(random.chance(0.1) && !isPlanned ? { checkpoints: [random.pick(ids)] } : {}),
    ...(random.chance(0.15) ? { budget: randomBudget(random) } : {}),
    // Some are over before they are heard of.
    ...(random.chance(0.1)
      ? { deadline: new Date(now + random.pick([-1_000, random.int(1_000, 60_000)])).toISOString() }
      : {}),
    ...(random.chance(0.1) ? { thresholds: { max_major: random.int(0, 1) } } : {}),
    ...(random.chance(0.25) ? { callback_url: 'https://example.org/hook' } : {}),
  };
};

const randomBudget = (random: Random): NonNullable<Submission['budget']> =>
  random.pick([
    { wall_ms: random.int(5_000, 60_000) },
    { tokens: random.int(5, 40) },
    { steps: random.int(200, 220) },
    { wall_ms: random.int(20_000, 60_000), tokens: 20 },
  ]);

const randomPlan = (random: Random, stepsMax: number): Plan => {
  const count = random.int(1, stepsMax);
  const phases = random.chance(0.35) ? randomPhases(random) : [];
  const names = phases.map((phase) => phase.name);
  const steps = Array.from({ length: count }, (_, at) => randomStep(random, at, names));
  return {
    ...(phases.length > 0 ? { phases } : {}),
    ...(random.chance(0.15) ? { circuit: { failures: random.int(1, 3), recovery_ms: random.int(500, 5_000) } } : {}),
    params: { go: random.chance(0.7), n: random.int(0, 3), list: ['x', 'y'] },
    steps,
  };
};

const randomPhases = (random: Random): NonNullable<Plan['phases']> => {
  const names = ['build', 'ship', 'watch'].slice(0, random.int(1, 3));
  return names.map((name, at) => ({
    name,
    ...(random.chance(0.6) ? { gate: { min_success_rate: random.pick([0, 0.5, 1]) } } : {}),
    ...(at > 0 && random.chance(0.5)
      ? { feedback_to: names[random.int(0, at)] as string, max_loops: random.int(0, 2) }
      : {}),
  }));
};

const randomStep = (random: Random, at: number, phases: readonly string[]): Step => {
  // More than fit into one page of a snapshot; so many must be quick.
  const isLarge = random.chance(0.005);
  const script: Script = isLarge
    ? { acts: ['ok'], slow: 5 }
    : { acts: randomActs(random), slow: random.chance(0.4) ? random.int(300, 5_000) : random.int(0, 100) };
  const phaseAt = phases.length === 0 ? -1 : Math.min(phases.length - 1, Math.floor((at * phases.length) / 7));
  // Only on earlier steps of the same phase or outside of phases, or a loop back could wait for itself.
  const before = Array.from({ length: at }, (_, other) => other).filter(
    (other) => phases.length === 0 || Math.min(phases.length - 1, Math.floor((other * phases.length) / 7)) === phaseAt,
  );
  const on = before.filter(() => random.chance(0.35)).map((other) => `s${other}`);
  const first = on[0];
  return {
    id: `s${at}`,
    ...(random.chance(0.07)
      ? childOf(random, script)
      : {
          capability: capabilityOf(random),
          input: { script: script as never, ...randomReference(random, first) },
        }),
    retry: { max_attempts: random.int(1, 3), initial_delay_ms: random.int(10, 3_000), jitter: 0.2 },
    timeout_ms: random.chance(0.3) ? random.int(500, 5_000) : random.int(5_000, 20_000),
    ...(on.length > 0 ? { depends_on: on } : {}),
    ...(phaseAt >= 0 ? { phase: phases[phaseAt] as string } : {}),
    ...(random.chance(0.15) ? { risk: 'high' as const } : {}),
    ...(random.chance(0.06) ? { approval: { roles: ['lead'], expires_ms: random.int(500, 20_000) } } : {}),
    ...(random.chance(0.12) ? { when: random.pick(['params.go', 'params.n > 1', 'params.missing == 1']) } : {}),
    ...(random.chance(0.25) ? { on_failure: random.pick(['skip', 'continue'] as const) } : {}),
    ...(random.chance(0.2) ? { undo: { capability: 'work', input: { script: { acts: [], slow: 5 } as never } } } : {}),
    ...(random.chance(0.1) && !isLarge ? { verify: [{ command: ['true'] }] } : {}),
    ...(random.chance(0.06) ? { needs: { os: random.chance(0.9) ? 'linux' : 'plan9' } } : {}),
    ...(random.chance(0.06) ? { sla_ms: random.int(300, 8_000) } : {}),
    ...(isLarge ? { each: { count: 130 } } : random.chance(0.15) ? { each: randomFamily(random, first) } : {}),
  };
};

/** A step whose work is a task of its own. */
const childOf = (random: Random, script: Script): Pick<Step, 'capability' | 'input'> => ({
  capability: 'task',
  input: {
    title: 'a part',
    on_child_failure: random.pick(['fail', 'ask', 'continue']),
    plan: {
      steps: Array.from({ length: random.int(1, 2) }, (_, at) => ({
        id: `c${at}`,
        capability: 'work',
        input: { script: script as never },
        retry: { max_attempts: random.int(1, 3), initial_delay_ms: 50 },
        timeout_ms: 8_000,
      })),
    },
  },
});

const randomReference = (random: Random, first: string | undefined): Record<string, string> => {
  if (random.chance(0.02)) return { echo: '${{ params.missing }}' };
  if (first === undefined || !random.chance(0.3)) return {};
  return { echo: random.chance(0.8) ? `\${{ steps.${first}.status }}` : `\${{ steps.${first}.output.list }}` };
};

const randomFamily = (random: Random, first: string | undefined): NonNullable<Step['each']> => {
  const items = first === undefined ? '${{ params.list }}' : `\${{ steps.${first}.output.list }}`;
  return random.pick([
    { count: random.int(1, 5) },
    { items: ['x', 'y', 'z'] },
    { items: '${{ params.list }}' },
    { items },
  ]);
};

const randomActs = (random: Random): Script['acts'] =>
  random.chance(0.5) ? ['ok'] : Array.from({ length: random.int(1, 3) }, () => random.pick(acts));
