// What an installation is set to, by chance: who approves, quotas, policies of Capstan and of its own, circuits, who is told.
import { type OwnPolicy, type Settings, settings } from '@capstan/contracts';
import type { Random } from './random.ts';

type Quotas = NonNullable<Settings['quotas']>;
type Policies = Settings['policies'];

export const randomSettings = (random: Random): Settings =>
  settings.parse({
    cancel_grace_ms: 3_000,
    approval: { expires_ms: 60_000, four_eyes: random.chance(0.2) },
    notify: random.chance(0.3) ? [{ on: ['task.*', 'approval.requested', 'question.asked'], channel: 'log' }] : [],
    ...(random.chance(0.4) ? { quotas: randomQuotas(random.fork('quotas')) } : {}),
    circuit: random.chance(0.4) ? randomCircuit(random.fork('circuit')) : {},
    policies: random.chance(0.5) ? randomPolicies(random.fork('policies')) : {},
  });

const randomQuotas = (random: Random): Quotas => ({
  over: random.pick(['queue', 'queue', 'refuse']),
  ...(random.chance(0.8) ? { tenant: { open_tasks: random.int(1, 3), running_steps: random.int(1, 3) } } : {}),
  ...(random.chance(0.4) ? { requester: { open_tasks: random.int(1, 2) } } : {}),
  ...(random.chance(0.3) ? { tenants: { red: { open_tasks: 1, running_steps: random.int(1, 4) } } } : {}),
  ...(random.chance(0.3) ? { requesters: { bob: { running_steps: 1 } } } : {}),
});

const randomCircuit = (random: Random): Settings['circuit'] => ({
  failures: random.int(1, 3),
  // As long as a coordinator is gone, or longer.
  recovery_ms: random.pick([2_000, 5_000, 20_000]),
  ...(random.chance(0.6) ? { codes: ['timeout', 'flaky'] } : {}),
});

const modeOf = (random: Random): 'enforce' | 'check' => (random.chance(0.75) ? 'enforce' : 'check');

const randomPolicies = (random: Random): Policies => ({
  ...(random.chance(0.4) ? { max_concurrent_tasks: { max: random.int(1, 2), mode: modeOf(random) } } : {}),
  ...(random.chance(0.2) ? { task_timeout: { max_ms: 15_000, mode: modeOf(random) } } : {}),
  ...(random.chance(0.2) ? { phase_gate: { min_success_rate: 0.5, mode: modeOf(random) } } : {}),
  ...(random.chance(0.3) ? { agent_availability: { wait_ms: random.int(500, 8_000), mode: modeOf(random) } } : {}),
  own: ownPolicies.filter(() => random.chance(0.3)).map((policy) => ({ ...policy, mode: modeOf(random) })),
});

/** What rules.ts knows of without the engine is said by name. */
const ownPolicies: readonly OwnPolicy[] = [
  own({ name: 'no-third-attempt', deny: 'step.attempt > 2' }),
  own({ name: 'leads-ship', deny: "step.phase == 'ship'", effect: 'approve', roles: ['lead'] }),
  own({ name: 'half-of-a-phase', on: 'phase', deny: 'phase.rate < 0.5' }),
  own({ name: 'can-not-be-judged', deny: "step.capability == 'rare' && input.nothing == 1" }),
];

function own(policy: Pick<OwnPolicy, 'name' | 'deny'> & Partial<OwnPolicy>): OwnPolicy {
  return { on: 'dispatch', mode: 'enforce', effect: 'deny', roles: [], metadata: {}, ...policy };
}
