// Plans that no message can hold travel by reference; what is too large is refused before anybody looks at it closely.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { limits, type TaskRecord } from '@capstan/contracts';
import { usualWork } from './support/agent.ts';
import { audit } from './support/audit.ts';
import { newId, startWorld, type World } from './support/world.ts';

const upload = async (world: World, name: string, text: string) => {
  const { artifacts } = world.names.buckets;
  await world.bus.objects(artifacts).put(`uploads/${name}`, Buffer.from(text));
  return { ref: `${artifacts}/uploads/${name}`, sha256: createHash('sha256').update(text).digest('hex') };
};

const wide = (count: number): string =>
  JSON.stringify({
    steps: Array.from({ length: count }, (_, at) => ({
      id: `s${at}`,
      capability: 'noop',
      ...(at % 10 === 0 ? {} : { depends_on: [`s${at - 1}`] }),
    })),
  });

test('a plan of 10,000 steps by reference runs to its end', { timeout: 120_000 }, async () => {
  await using world = await startWorld({ agent: false });
  await world.agent({ concurrency: 256, work: usualWork });
  const id = newId('large');
  const plan_ref = await upload(world, `${id}.json`, wide(10_000));
  const { created } = await world.submit({ task_id: id, plan_ref });
  assert.equal(created, true);
  // The upload is not the task's: whoever overwrites it changes nothing.
  await upload(world, `${id}.json`, wide(1));
  assert.equal(
    (
      await world
        .submit({ task_id: id, plan_ref: { ...plan_ref, sha256: undefined as never } })
        .catch((error: Error) => error.message)
    )
      .toString()
      .includes('conflict'),
    true,
  );
  await world.allEnded([id], 90_000);
  const ended = await world.api<TaskRecord & { steps_ref?: string }>('task.get', { task_id: id });
  assert.deepEqual([ended.status, ended.counts], ['succeeded', { succeeded: 10_000 }]);
  assert.ok(ended.steps_ref, 'so many steps are named, not sent');
  const whole = await world.bus
    .objects(world.names.buckets.artifacts)
    .get(ended.steps_ref.slice(world.names.buckets.artifacts.length + 1));
  assert.equal(
    Object.keys((JSON.parse(Buffer.from(whole ?? []).toString()) as { found: TaskRecord }).found.steps).length,
    10_000,
  );
  assert.equal(
    (await world.stored(id, 'it ended', ({ status }) => status === 'succeeded'))['steps_in']?.length,
    Math.ceil(10_000 / limits.stepsPerPage),
  );
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [id])).violations, []);
});

test('a plan by reference is the one that was meant, or none', async (t) => {
  await using world = await startWorld();
  const refused = async (plan_ref: object) => (await world.ask('task.submit', { plan_ref })).error;
  const good = await upload(world, 'good.json', wide(3));
  await t.test('a wrong hash', async () => {
    const error = await refused({ ...good, sha256: 'f'.repeat(64) });
    assert.deepEqual([error?.code, error?.fields?.[0]?.path], ['invalid', 'plan_ref.sha256']);
    assert.match(error?.fields?.[0]?.issue ?? '', new RegExp(good.sha256));
  });
  await t.test('nothing there', async () =>
    assert.equal((await refused({ ref: 'capstan_artifacts/uploads/none.json' }))?.fields?.[0]?.path, 'plan_ref.ref'),
  );
  await t.test('a way out of the store', async () => {
    for (const ref of [
      'capstan_artifacts/../keys',
      'capstan_artifacts/',
      '/etc/passwd',
      'capstan_keys/ring',
      'x'.repeat(512),
    ])
      assert.equal((await refused({ ref }))?.code, 'invalid', ref);
  });
  await t.test('no plan', async () => {
    for (const [at, text] of [
      'not JSON',
      '[]',
      '{"steps":[]}',
      '{"steps":[{"id":"a"}]}',
      '{"steps":{}}',
      '['.repeat(100_000),
    ].entries()) {
      assert.equal((await refused(await upload(world, `bad-${at}.json`, text)))?.code, 'invalid', text.slice(0, 40));
    }
  });
  await t.test('a good one, whose hash may be in capitals', async () => {
    const { task_id } = await world.submit({ plan_ref: { ...good, sha256: good.sha256.toUpperCase() } });
    assert.equal((await world.ended(task_id)).status, 'succeeded');
  });
});

test('a plan of a million steps is refused at once', async () => {
  await using world = await startWorld();
  const text = `{"steps":[${Array.from({ length: 1_000_000 }, (_, at) => `{"id":"s${at}","capability":"noop"}`).join(',')}]}`;
  assert.ok(text.length < limits.planBytesMax);
  const begun = performance.now();
  JSON.parse(text);
  const parseMs = performance.now() - begun;
  const plan_ref = await upload(world, 'million.json', text);
  const fetched = performance.now();
  await world.bus.objects(world.names.buckets.artifacts).get('uploads/million.json');
  const fetchMs = performance.now() - fetched;

  const asked = performance.now();
  const { error, status } = await world.ask('task.submit', { plan_ref }, 60_000);
  const tookMs = performance.now() - asked;
  assert.deepEqual([error?.code, status], ['too_large', '413']);
  assert.match(error?.message ?? '', /1000000 steps; at most 100000/);
  // Fetching, hashing, one look at every byte, parsing; no schema has looked at a million steps.
  assert.ok(
    tookMs < 1_000 + 4 * parseMs + 3 * fetchMs,
    `it took ${tookMs} ms; parsing alone takes ${parseMs} ms, fetching ${fetchMs} ms`,
  );
  const { task_id } = await world.submit({ plan: { steps: [{ id: 'a', capability: 'noop' }] } });
  assert.equal((await world.ended(task_id)).status, 'succeeded');
});
