// Rules: policies are asked before each attempt and before a phase is left. A no says which policy it was and why, and stays with the task.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings, type OwnPolicy, ownPolicy, type Settings } from '@capstan/contracts';
import { policyIssue } from '../policies/index.ts';
import { given, step, type World } from '../testing.ts';

const policies = (said: Partial<Settings['policies']>) => ({
  settings: { policies: { ...defaultSettings.policies, ...said } },
});
const own = (...some: Partial<OwnPolicy>[]) => policies({ own: some.map((one) => ownPolicy.parse(one)) });
const denials = (world: World) =>
  (world.record['denials'] as { policy: string; mode: string; step: string; phase: string; reason: string }[]) ?? [];

test("one of one's own denies a step by a condition, with its reason and metadata", () => {
  const bots = {
    name: 'no-bots',
    deny: 'task.requester == "bot" && step.risk == "medium"',
    reason: 'Bots do nothing risky.',
    metadata: { ticket: 'SEC-7' },
  };
  const steps = [step('a'), step('b', 'a', { risk: 'medium' })];
  const world = given({ requester: 'bot', ...own(bots), steps }).done('a');
  const { error } = world.step('b');
  assert.deepEqual(
    [error?.code, error?.message, error?.['policy'], error?.['metadata']],
    ['denied_by_no-bots', 'Bots do nothing risky.', 'no-bots', { ticket: 'SEC-7' }],
  );
  assert.deepEqual(
    denials(world).map(({ policy, mode, step: id, reason }) => [policy, mode, id, reason]),
    [['no-bots', 'enforce', 'b', 'Bots do nothing risky.']],
  );
  assert.equal(given({ requester: 'alice', ...own(bots), steps }).done('a', 'b').status, 'succeeded');
});

test('it may read the input as it would be ordered, what steps gave, and what was used', () => {
  const steps = [step('a'), step('b', 'a', { input: { n: '${{ steps.a.output.n }}' } })];
  const guarded = { name: 'small', deny: 'has(input.n) && input.n > 5' };
  assert.deepEqual(
    given({ ...own(guarded), steps })
      .report('a', { output: { n: 5 } })
      .ordered(),
    ['b.1'],
  );
  assert.equal(
    given({ ...own(guarded), steps })
      .report('a', { output: { n: 6 } })
      .step('b').status,
    'failed',
  );
});

test('"check" writes down what it would have denied, and lets it pass', () => {
  const world = given({ ...own({ name: 'looks', mode: 'check', deny: 'true' }), steps: [step('a')] });
  assert.deepEqual(world.ordered(), ['a.1']);
  assert.deepEqual([denials(world)[0]?.policy, denials(world)[0]?.mode], ['looks', 'check']);
  assert.equal(world.fail('a').wake('retry').done('a').status, 'succeeded');
  assert.equal(denials(world).length, 1, 'the same is said once');
});

test('"off" says nothing', () => {
  const world = given({ ...own({ name: 'off', mode: 'off', deny: 'true' }), steps: [step('a')] });
  assert.deepEqual([world.ordered(), denials(world)], [['a.1'], []]);
});

test('"approve" asks a person, who may let it pass', () => {
  const policy = {
    name: 'prod',
    deny: 'step.id == "a"',
    effect: 'approve' as const,
    roles: ['lead'],
    reason: 'Production.',
  };
  const world = given({ ...own(policy), steps: [step('a')] });
  assert.deepEqual([world.step('a').status, world.intervention('a').roles], ['awaiting_approval', ['lead']]);
  assert.match(world.intervention('a').text, /Production\. \(policy prod\)/);
  assert.deepEqual(world.approve('a', { role: 'lead' }).ordered(), ['a.1']);
});

test('one that can not be judged says no', () => {
  const world = given({ ...own({ name: 'odd', deny: 'params.nothing > 1' }), steps: [step('a')] });
  assert.match(world.step('a').error?.message ?? '', /^the policy could not be judged/);
});

test('a mistake in a policy is found before any task', () => {
  assert.match(
    policyIssue(ownPolicy.parse({ name: 'x', deny: 'a ==' })) ?? '',
    /policy "x": deny is no CEL expression/,
  );
  assert.match(
    policyIssue(ownPolicy.parse({ name: 'x', on: 'phase', effect: 'approve', deny: 'true' })) ?? '',
    /can't be approved/,
  );
  assert.match(policyIssue(ownPolicy.parse({ name: 'approval', deny: 'true' })) ?? '', /Capstan itself has that name/);
  assert.equal(policyIssue(ownPolicy.parse({ name: 'x', deny: 'true' })), null);
});

const phased = {
  phases: [{ name: 'p' }, { name: 'q' }],
  steps: [
    step('a', { phase: 'p' }),
    step('b', { phase: 'p', on_failure: 'continue', retry: { max_attempts: 1 } }),
    step('z', { phase: 'q' }),
  ],
};

test('a phase is not left where a policy says no, and the task says which', () => {
  const policy = { name: 'clean', on: 'phase' as const, deny: 'phase.failed > 0', reason: 'Nothing may fail here.' };
  const world = given({ ...own(policy), plan: phased })
    .done('a')
    .fail('b');
  assert.deepEqual([world.status, world.orders()], ['failed', ['a.1', 'b.1']]);
  assert.match(world.reason, /phase "p" was not passed: policy clean: Nothing may fail here\./);
  assert.deepEqual([denials(world)[0]?.phase, denials(world)[0]?.policy], ['p', 'clean']);
  assert.deepEqual(
    given({ ...own(policy), plan: phased })
      .done('a', 'b')
      .ordered(),
    ['z.1'],
  );
});

test('a phase that goes back is judged again', () => {
  const plan = {
    ...phased,
    phases: [{ name: 'p', feedback_to: 'p', max_loops: 1, gate: { min_success_rate: 0 } }, { name: 'q' }],
  };
  const policy = { name: 'clean', on: 'phase' as const, deny: 'phase.failed > 0' };
  const world = given({ ...own(policy), plan })
    .done('a')
    .fail('b');
  assert.deepEqual(world.ordered(), ['a.2', 'b.2']);
  assert.deepEqual(world.done('a', 'b').ordered(), ['z.1']);
});

test('phase-gate: the gate of every phase that names none', () => {
  const enforced = policies({ phase_gate: { min_success_rate: 1, mode: 'enforce' } });
  const world = given({ ...enforced, plan: phased })
    .done('a')
    .fail('b');
  assert.deepEqual([world.status, denials(world)[0]?.policy, denials(world)[0]?.phase], ['failed', 'phase-gate', 'p']);
  const checked = given({ ...policies({ phase_gate: { min_success_rate: 1, mode: 'check' } }), plan: phased })
    .done('a')
    .fail('b');
  assert.deepEqual([checked.ordered(), denials(checked)[0]?.mode], [['z.1'], 'check']);
});

test('max-concurrent-tasks: so many at once, the others in their turn', () => {
  const limited = policies({ max_concurrent_tasks: { max: 2, mode: 'enforce' } });
  const world = given({ ...limited, steps: [step('f', { each: { count: 4 } }), step('z', 'f')] });
  assert.deepEqual(world.ordered(), ['f-0.1', 'f-1.1']);
  assert.deepEqual(
    [world.step('f-2').status, world.step('f-2').waiting_for],
    ['ready', 'its turn: at most 2 steps of a task run at once (policy max-concurrent-tasks)'],
  );
  assert.deepEqual(world.done('f-1').ordered(), ['f-2.1']);
  assert.deepEqual(world.fail('f-0').ordered(), ['f-3.1']);
  world.wake('retry');
  assert.deepEqual([world.step('f-0').status, world.ordered()], ['ready', []]);
  assert.deepEqual(world.done('f-2').ordered(), ['f-0.2']);
  assert.equal(world.done('f-3', 'f-0', 'z').status, 'succeeded');
});

test('max-concurrent-tasks: a pause holds those in turn as well, and a cancel ends them', () => {
  const limited = policies({ max_concurrent_tasks: { max: 1, mode: 'enforce' } });
  const world = given({ ...limited, steps: [step('a'), step('b'), step('c')] })
    .command('pause')
    .done('a');
  assert.deepEqual(world.ordered(), []);
  assert.deepEqual(world.command('resume').ordered(), ['b.1']);
  assert.equal(world.command('cancel').wake('cancel').status, 'cancelled');
});

test('task-timeout: no step may be allowed more, and what says nothing has no more', () => {
  const bounded = policies({ task_timeout: { max_ms: 1_000, mode: 'enforce' } });
  const world = given({ ...bounded, steps: [step('a', { timeout_ms: 5_000 })] });
  assert.deepEqual(
    [world.step('a').error?.code, world.step('a').error?.['metadata']],
    ['denied_by_task-timeout', { timeout_ms: 5_000, max_ms: 1_000 }],
  );
  assert.equal(given({ ...bounded, steps: [step('a')] }).lastOrder('a').timeout_ms, 1_000);
});

test('agent-availability: a step waits for an agent for so long, and no longer', () => {
  const patient = policies({ agent_availability: { wait_ms: 60_000, mode: 'enforce' } });
  const world = given({ ...patient, steps: [step('a', { capability: 'rare' })] }).unrouted(
    'a',
    'no live agent offers "rare"',
  );
  assert.deepEqual([world.step('a').status, denials(world)[0]?.policy], ['blocked', 'agent-availability']);
  assert.equal(world.wake('blocked').step('a').error?.code, 'denied_by_agent-availability');
  const found = given({ ...patient, steps: [step('a', { capability: 'rare' })] })
    .unrouted('a')
    .routed('a', 'rare');
  assert.deepEqual(found.ordered(), ['a.1']);
  assert.throws(() => found.timer('blocked'));
});

test('max-concurrent-tasks: a step whose turn has come and that has no queue yet keeps nobody else waiting', () => {
  const limited = policies({ max_concurrent_tasks: { max: 1, mode: 'enforce' } });
  const steps = [step('a'), step('b', { capability: 'rare' }), step('c')];
  const world = given({ ...limited, steps }).done('a');
  assert.deepEqual([world.step('b').waiting_for, world.ordered()], ['a queue for "rare"', ['c.1']]);
  assert.deepEqual(world.routed('b', 'rare').step('b').status, 'ready');
  assert.deepEqual(world.done('c').ordered(), ['b.1']);
});

test('max-concurrent-tasks: the check of a step follows its work at once; one that was held back waits for its turn', () => {
  const limited = policies({ max_concurrent_tasks: { max: 1, mode: 'enforce' } });
  const steps = [step('a', { verify: [{}] }), step('b'), step('c')];
  const world = given({ ...limited, steps }).done('a');
  assert.deepEqual([world.ordered(), world.step('b').status], [['a.2'], 'ready']);

  const paused = given({ ...limited, steps })
    .command('pause')
    .done('a');
  assert.deepEqual([paused.step('a').status, paused.ordered()], ['ready', []]);
  assert.deepEqual(paused.command('resume').ordered(), ['a.2']);
  assert.deepEqual([paused.done('a').ordered()], [['b.1']]);

  // The verifier is found late, and its place is taken meanwhile.
  const late = given({ ...limited, routes: { noop: 'noop' }, steps }).done('a');
  assert.deepEqual([late.ordered(), late.routed('a', 'verifier', 2).ordered()], [['b.1'], []]);
  assert.match(late.step('a').waiting_for ?? '', /^its turn: at most 1 steps of a task run at once/);
  assert.deepEqual([late.done('b').ordered(), late.done('a').ordered()], [['a.2'], ['c.1']]);

  // It failed to look, and tries again.
  const again = given({ ...limited, steps })
    .done('a')
    .fail('a');
  assert.deepEqual([again.ordered(), again.wake('retry').ordered()], [['b.1'], []]);
  assert.deepEqual(again.done('b').ordered(), ['a.3']);
});

test('an approval that is refused, or that nobody gives in time, is a no of the policy that wanted it', () => {
  const policy = { name: 'prod', deny: 'true', effect: 'approve' as const, metadata: { ticket: 'SEC-7' } };
  const ask = () => given({ ...own(policy), steps: [step('a')] });
  for (const world of [ask().reject('a', 'not today'), ask().wake('expiry')]) {
    const { error } = world.step('a');
    assert.deepEqual([error?.['policy'], error?.['metadata']], ['prod', { ticket: 'SEC-7' }]);
    const said = world.record.denials?.map(({ mode, step: id, reason, metadata }) => [mode, id, reason, metadata]);
    assert.deepEqual(said, [['enforce', 'a', error?.message, { ticket: 'SEC-7' }]]);
  }
  const built = given({ steps: [step('a', { risk: 'high' })] }).reject('a');
  assert.deepEqual([built.step('a').error?.['policy'], denials(built)[0]?.policy], ['approval', 'approval']);
  const older = given({ ...own(policy), rules: 2, steps: [step('a')] }).reject('a');
  assert.deepEqual([older.step('a').error?.['policy'], denials(older)], [undefined, []]);
});
