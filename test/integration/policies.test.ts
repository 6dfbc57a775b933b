// Policies over a real server, from files and Capstan's own: a no is in the task's record, and stays what it was when the configuration changes.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { usualWork, type Work } from './support/agent.ts';
import { audit } from './support/audit.ts';
import { newId, startWorld } from './support/world.ts';

test('a policy from a file denies, and the task keeps those that were in force when it came', async () => {
  const config = 'settings:\n  policies:\n    max_concurrent_tasks: { max: 2 }\n';
  await using world = await startWorld({ config, coordinators: 0 });
  const folder = join(world.server.dir, 'policies');
  await mkdir(folder);
  await writeFile(
    join(folder, 'no-bots.yaml'),
    'deny: task.requester == "bot" && step.id == "deploy"\nreason: No bots.\n',
  );
  await writeFile(
    join(folder, 'tidy.yaml'),
    'on: phase\nmode: check\ndeny: phase.name == "make" && phase.failed > 0\n',
  );
  await world.coordinator();
  const plan = {
    phases: [{ name: 'make' }, { name: 'ship' }],
    steps: [
      { id: 'part', capability: 'noop', phase: 'make', each: { count: 5 } },
      {
        id: 'shaky',
        capability: 'fail',
        phase: 'make',
        on_failure: 'continue',
        input: { times: 9 },
        retry: { max_attempts: 1 },
      },
      { id: 'deploy', capability: 'noop', phase: 'ship' },
    ],
  } as const;
  const [bot, person] = [newId('bot'), newId('person')];
  await world.submit({ task_id: bot, requester: 'bot', plan: structuredClone(plan) as never });
  await world.submit({ task_id: person, requester: 'alice', plan: structuredClone(plan) as never });
  const denied = await world.ended(bot);
  assert.equal(denied.status, 'failed');
  assert.deepEqual(
    denied.denials?.map(({ policy, mode, step, phase, reason }) => [policy, mode, step, phase, reason]),
    [
      ['tidy', 'check', null, 'make', 'denied where phase.name == "make" && phase.failed > 0'],
      ['no-bots', 'enforce', 'deploy', null, 'No bots.'],
    ],
  );
  const { error } = denied.steps['deploy'] ?? {};
  assert.deepEqual([error?.code, error?.message, error?.['policy']], ['denied_by_no-bots', 'No bots.', 'no-bots']);
  assert.equal((await world.ended(person)).status, 'succeeded');

  const waiting = newId('waiting');
  const gated = {
    steps: [
      { id: 'ok', capability: 'approval' },
      { id: 'deploy', capability: 'noop', depends_on: ['ok'] },
    ],
  };
  await world.submit({ task_id: waiting, requester: 'bot', plan: gated });
  const asked = await world.until(waiting, 'it asks', ({ status }) => status === 'awaiting_approval');
  await world.checkpointed([waiting]);
  await world.quiet();
  await writeFile(join(folder, 'no-bots.yaml'), 'deny: "false"\n');
  await world.coordinator();
  await world.api('inbox.approve', { id: asked.interventions[0], by: 'alice' });
  assert.equal((await world.ended(waiting)).steps['deploy']?.error?.code, 'denied_by_no-bots');
  await world.checkpointed([bot, person, waiting]);
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [bot, person, waiting])).violations, []);
});

test('a plan can not talk a tool down: what its agents say of its risk counts, whenever one of them comes', async () => {
  await using world = await startWorld({ coordinators: 0 });
  const coordinator = await world.coordinator();
  const merge = { id: 'merge', capability: 'merge', risk: 'low' } as const;
  const [before, after] = [newId('before'), newId('after')];
  // Nobody offers it yet, so nobody knows how risky it is.
  await world.submit({ task_id: before, plan: { steps: [merge] } });
  await world.until(before, 'nobody offers it', ({ steps }) => steps['merge']?.status === 'blocked');
  const agent = await world.agent({
    queue: 'merger',
    risks: { merge: 'high' },
    work: { merge: () => ({ outcome: 'succeeded', output: {} }) },
  });
  const asked = await world.until(before, 'it asks', ({ status }) => status === 'awaiting_approval');
  await world.submit({ task_id: after, plan: { steps: [merge] } });
  const askedToo = await world.until(after, 'it asks', ({ status }) => status === 'awaiting_approval');
  assert.match(askedToo.steps['merge']?.waiting_for ?? '', /"merge" is a tool of high risk/);
  await world.checkpointed([before, after]);
  await coordinator.stop();
  await world.coordinator();
  for (const { interventions } of [asked, askedToo])
    await world.api('inbox.approve', { id: interventions[0], by: 'alice' });
  await world.allEnded([before, after], 15_000);
  assert.equal(agent.orders.length, 2);
  assert.deepEqual((await audit(world.bus, [before, after])).violations, []);
});

test('of all policies that ask each gets a yes of its own, also across coordinators', async () => {
  await using world = await startWorld({ config: '', coordinators: 0 });
  const folder = join(world.server.dir, 'policies');
  await mkdir(folder);
  await writeFile(join(folder, 'legal.yaml'), 'deny: "true"\neffect: approve\nroles: [lawyer]\nreason: A contract.\n');
  const first = await world.coordinator();
  const task_id = newId('asked');
  const deploy = { id: 'deploy', capability: 'noop', risk: 'critical' as const, approval: { roles: ['tech_lead'] } };
  await world.submit({ task_id, plan: { steps: [deploy] } });
  const one = await world.until(task_id, 'it asks', ({ status }) => status === 'awaiting_approval');
  const said = await world.api('inbox.approve', { id: one.interventions[0], by: 'lena', role: 'lawyer' });
  assert.equal(said['task_status'], 'awaiting_approval');
  await world.checkpointed([task_id]);
  await first.stop();
  await world.coordinator();
  const two = await world.until(task_id, 'it asks again', ({ interventions }) => interventions.length === 2);
  const id = two.interventions[1];
  const asked = await world.api('inbox.get', { id });
  assert.deepEqual([asked['policy'], asked['roles'], asked['status']], ['approval', ['tech_lead'], 'pending']);
  assert.equal((await world.ask('inbox.approve', { id, by: 'lena', role: 'lawyer' })).status, '403');
  assert.equal((await world.bus.log(world.names.streams.orders).info()).last, 0, 'nothing began');
  await world.api('inbox.approve', { id, by: 'tess', role: 'tech_lead' });
  assert.equal((await world.ended(task_id)).status, 'succeeded');
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [task_id])).violations, []);
});

test('a policy that can not be read stops the coordinator at its start, and says where', async () => {
  await using world = await startWorld({ config: '', coordinators: 0 });
  const folder = join(world.server.dir, 'policies');
  await mkdir(folder);
  await writeFile(join(folder, 'odd.yaml'), 'deny: task. ==\n');
  await assert.rejects(
    world.coordinator(),
    /policy \\"odd\\": deny is no CEL expression|policy "odd": deny is no CEL expression|code 2/,
  );
});

test('policies of Capstan itself: so many at once, no longer than, so good a phase, so patient; and what would have been denied', async () => {
  const rules = (mode: string) => `settings:
  policies:
    max_concurrent_tasks: { max: 1, mode: ${mode} }
    task_timeout: { max_ms: 5000, mode: ${mode} }
    phase_gate: { min_success_rate: 1, mode: ${mode} }
    agent_availability: { wait_ms: 300, mode: ${mode} }
`;
  const steps = {
    pair: [{ id: 'a', capability: 'together', each: { count: 2 } }],
    long: [{ id: 'a', capability: 'noop', timeout_ms: 60_000 }],
    shaky: [
      { id: 'ok', capability: 'noop', phase: 'p' },
      {
        id: 'bad',
        capability: 'fail',
        phase: 'p',
        depends_on: ['ok'],
        on_failure: 'continue',
        input: { times: 9 },
        retry: { max_attempts: 1 },
      },
    ],
    rare: [{ id: 'a', capability: 'rare' }],
  };
  for (const mode of ['enforce', 'check'] as const) {
    await using world = await startWorld({ agent: false, config: rules(mode) });
    let [now, most] = [0, 0];
    const met = Promise.withResolvers<void>();
    const together: Work = async () => {
      most = Math.max(most, (now += 1));
      if (most === 2) met.resolve();
      // Only where two may run does either wait for the other.
      if (mode === 'check') await met.promise;
      now -= 1;
      return { outcome: 'succeeded', output: {} };
    };
    await world.agent({ work: { ...usualWork, together } });
    const ids: string[] = [];
    for (const [name, some] of Object.entries(steps)) {
      const phases = name === 'shaky' ? { phases: [{ name: 'p' }] } : {};
      ids.push((await world.submit({ task_id: name, plan: { ...phases, steps: some } as never })).task_id);
    }
    if (mode === 'check') {
      await world.until('rare', 'it would be denied', ({ denials }) => denials !== undefined);
      await world.api('task.cancel', { task_id: 'rare' });
    }
    await world.allEnded(ids, 20_000);
    const found = await Promise.all(ids.map((id) => world.task(id)));
    assert.deepEqual(
      found.map(({ status, denials }) => [status, ...new Set(denials?.map((no) => `${no.policy} ${no.mode}`))]),
      mode === 'enforce'
        ? [
            ['succeeded'],
            ['failed', 'task-timeout enforce'],
            ['failed', 'phase-gate enforce'],
            ['failed', 'agent-availability enforce'],
          ]
        : [
            ['succeeded', 'max-concurrent-tasks check'],
            ['succeeded', 'task-timeout check'],
            ['succeeded', 'phase-gate check'],
            ['cancelled', 'agent-availability check'],
          ],
    );
    assert.equal(most, mode === 'enforce' ? 1 : 2);
    await world.quiet();
    assert.deepEqual((await audit(world.bus, ids)).violations, []);
  }
});
