// Random tasks: every feature of a plan, in small doses and in any mixture. What the agents will do about a step is written into its input.
import type { Plan, Step, Submission } from '@capstan/contracts';
import type { Random } from './random.ts';

/** What a simulated agent is told to do, by attempt. */
export interface Script {
  /** Attempts of the step, in the order in which agents see them; beyond the end it succeeds. */
  readonly acts: readonly ('ok' | 'fail' | 'reject' | 'ask' | 'hang' | 'crash' | 'grow')[];
  readonly slow: number;
}

/** Mostly what there are agents for; now and then what comes late, or never. */
const capabilityOf = (random: Random): string =>
  random.chance(0.08) ? 'rare' : random.chance(0.02) ? 'nobody' : 'work';

export const randomTask = (random: Random, id: string): Submission => {
  const plan = randomPlan(random);
  const ids = plan.steps.map((step) => step.id);
  return {
    task_id: id,
    title: `task ${id}`,
    tenant: random.pick(['red', 'blue']),
    priority: random.pick(['low', 'normal', 'high', 'urgent']),
    requester: random.pick(['alice', 'bob']),
    plan,
    on_failure: random.pick(['stop', 'stop', 'continue', 'pause', 'compensate']),
    ...(random.chance(0.1) ? { start: false } : {}),
    ...(random.chance(0.08) ? { mode: 'manual' as const } : {}),
    ...(random.chance(0.1) ? { checkpoints: [random.pick(ids)] } : {}),
    ...(random.chance(0.05) ? { budget: { wall_ms: random.int(5_000, 60_000) } } : {}),
    ...(random.chance(0.15) ? { callback_url: 'https://example.org/hook' } : {}),
  };
};

const randomPlan = (random: Random): Plan => {
  const count = random.int(1, 7);
  const phased = random.chance(0.25);
  const phases = phased ? randomPhases(random) : [];
  const steps = Array.from({ length: count }, (_, at) =>
    randomStep(
      random,
      at,
      phases.map((phase) => phase.name),
    ),
  );
  return { ...(phased ? { phases } : {}), params: { go: random.chance(0.7), n: random.int(0, 3) }, steps };
};

const randomPhases = (random: Random): NonNullable<Plan['phases']> => {
  const names = ['build', 'ship', 'watch'].slice(0, random.int(1, 3));
  return names.map((name, at) => ({
    name,
    ...(random.chance(0.4) ? { gate: { min_success_rate: random.pick([0, 0.5, 1]) } } : {}),
    ...(at > 0 && random.chance(0.5)
      ? { feedback_to: names[random.int(0, at)] as string, max_loops: random.int(0, 2) }
      : {}),
  }));
};

const randomStep = (random: Random, at: number, phases: readonly string[]): Step => {
  const script: Script = {
    acts: randomActs(random),
    slow: random.chance(0.2) ? random.int(500, 4_000) : random.int(0, 100),
  };
  const phaseAt = phases.length === 0 ? -1 : Math.min(phases.length - 1, Math.floor((at * phases.length) / 7));
  // Only on earlier steps of the same phase or outside of phases, or a loop back could wait for itself.
  const before = Array.from({ length: at }, (_, other) => other).filter(
    (other) => phases.length === 0 || Math.min(phases.length - 1, Math.floor((other * phases.length) / 7)) === phaseAt,
  );
  const on = before.filter(() => random.chance(0.35)).map((other) => `s${other}`);
  return {
    id: `s${at}`,
    ...(random.chance(0.07)
      ? childOf(random, script)
      : {
          capability: capabilityOf(random),
          input: {
            script: script as never,
            ...(on.length > 0 && random.chance(0.3) ? { echo: `\${{ steps.${on[0]}.status }}` } : {}),
          },
        }),
    retry: { max_attempts: random.int(1, 3), initial_delay_ms: random.int(10, 500), jitter: 0.2 },
    timeout_ms: random.int(5_000, 20_000),
    ...(on.length > 0 ? { depends_on: on } : {}),
    ...(phaseAt >= 0 ? { phase: phases[phaseAt] as string } : {}),
    ...(random.chance(0.15) ? { risk: 'high' as const } : {}),
    ...(random.chance(0.1) ? { when: random.pick(['params.go', 'params.n > 1', 'params.missing == 1']) } : {}),
    ...(random.chance(0.2) ? { on_failure: random.pick(['skip', 'continue'] as const) } : {}),
    ...(random.chance(0.2) ? { undo: { capability: 'work', input: { script: { acts: [], slow: 5 } as never } } } : {}),
    ...(random.chance(0.1) ? { verify: [{ command: ['true'] }] } : {}),
    ...(random.chance(0.12) ? { each: { count: random.int(1, 5) } } : {}),
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

const randomActs = (random: Random): Script['acts'] => {
  if (random.chance(0.5)) return ['ok'];
  return Array.from({ length: random.int(1, 3) }, () =>
    random.pick(['ok', 'fail', 'fail', 'fail', 'reject', 'ask', 'hang', 'crash', 'grow'] as const),
  );
};
