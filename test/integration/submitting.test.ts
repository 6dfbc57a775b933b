// Submitting: an id stands for one task however often and by whichever door it comes, and what has no id gets one that a redelivery repeats.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dlqHeaders } from '@capstan/contracts';
import { audit } from './support/audit.ts';
import { newId, startWorld } from './support/world.ts';

const steps = [{ id: 'a', capability: 'echo', input: { x: 1, y: { b: 2, a: 1 } } }];

test('the same id with the same body is the same task, in whichever order its keys come', async () => {
  await using world = await startWorld();
  const id = newId();
  const first = await world.submit({ task_id: id, title: 'One', plan: { steps } });
  assert.deepEqual(first, { task_id: id, status: 'running', created: true, warnings: [] });
  const again = await world.submit({ task_id: id, title: 'One', plan: { steps } });
  assert.equal(again.created, false);
  const turned = await world.submit({
    plan: { steps: [{ input: { y: { a: 1, b: 2 }, x: 1 }, capability: 'echo', id: 'a' }] },
    title: 'One',
    v: 1,
    task_id: id,
  });
  assert.equal(turned.created, false);
  await world.ended(id);
  assert.deepEqual(await world.submit({ task_id: id, title: 'One', plan: { steps } }), {
    task_id: id,
    status: 'succeeded',
    created: false,
    warnings: [],
  });
  const { created } = await world.submit({ task_id: id, title: 'One', tenant: 'default', plan: { steps } });
  assert.equal(created, false, 'a tenant that is said is the one that is meant anyway');
});

test('the same id with another body is a conflict, and changes nothing', async () => {
  await using world = await startWorld();
  const id = newId();
  await world.submit({ task_id: id, plan: { steps } });
  const before = await world.ended(id);
  for (const other of [
    { title: 'Two', plan: { steps } },
    { plan: { steps: [...steps, { id: 'b', capability: 'noop' }] } },
    { tenant: 'acme', plan: { steps } },
    { plan: { steps }, metadata: {} },
  ]) {
    const { error, status } = await world.ask('task.submit', { task_id: id, ...other });
    assert.deepEqual([error?.code, status, error?.fields?.[0]?.path], ['conflict', '409', 'task_id']);
  }
  const seq = await world.plain({ task_id: id, title: 'Three', plan: { steps } });
  const letter = await world.letter('of the conflict', (one) => one.header(dlqHeaders.seq) === String(seq));
  assert.equal(letter.header(dlqHeaders.reason), 'conflict');
  assert.deepEqual(await world.task(id), before);
});

test('fifty submissions of one id at once are one task', async () => {
  await using world = await startWorld({ coordinators: 2 });
  const id = newId();
  const body = { task_id: id, plan: { steps } };
  const [answers] = await Promise.all([
    Promise.all(Array.from({ length: 50 }, () => world.submit(body))),
    Promise.all(Array.from({ length: 10 }, () => world.plain(body))),
  ]);
  assert.ok(answers.filter(({ created }) => created).length <= 1);
  assert.deepEqual(new Set(answers.map(({ task_id }) => task_id)), new Set([id]));
  await world.ended(id);
  const bodies = Array.from({ length: 20 }, (_, at) => ({ task_id: newId('race'), title: `${at}`, plan: { steps } }));
  const raced = await Promise.all(
    bodies.map(async ({ task_id }) => {
      const replies = await Promise.all(
        ['a', 'b', 'c'].map((title) => world.ask('task.submit', { task_id, title, plan: { steps } })),
      );
      const { title } = await world.ended(task_id);
      return {
        won: replies.filter(({ error }) => error === null).length,
        lost: replies.filter(({ error }) => error?.code === 'conflict').length,
        title,
      };
    }),
  );
  for (const { won, lost, title } of raced)
    assert.ok(
      won === 1 && lost === 2 && /^[abc]$/.test(title),
      'of three bodies at once, one wins and the others hear so',
    );
  await world.quiet();
  const { violations, replay } = await audit(world.bus, [id]);
  assert.deepEqual(violations, []);
  assert.equal(replay.tasks.size, 21);
  assert.deepEqual(world.letters, []);
});

test('a task is known to whoever was told that it is created', async () => {
  await using world = await startWorld({ coordinators: 2 });
  const found = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const { task_id } = await world.submit({ plan: { steps } });
      const { error } = await world.ask('task.get', { task_id });
      return error?.code ?? 'found';
    }),
  );
  assert.deepEqual(new Set(found), new Set(['found']));
});

test("the plain door answers a request with the stream's word, and works without one", async () => {
  await using world = await startWorld();
  const id = newId();
  const { connection } = world.bus.line;
  connection.publish(world.names.submit(), JSON.stringify({ task_id: id, plan: { steps } }));
  assert.equal((await world.ended(id)).status, 'succeeded');
  assert.equal(await world.plain({ task_id: id, plan: { steps } }), 2, 'the answer has the sequence');
  await world.plain({ title: 'no id', plan: { steps } }, 'acme');
  const { subject } = await world.notice(
    'of the task without an id',
    (notice) =>
      notice.subject.startsWith(world.names.notice('acme', 't3-', '').slice(0, -1)) &&
      notice.subject.endsWith('succeeded'),
  );
  const made = subject.split('.')[3] ?? '';
  assert.match(made, /^t3-[0-9a-z]+$/, 'made of the sequence and its time');
  assert.equal((await world.task(made)).title, 'no id');
});

test('a question without a task_id that is put again is the same task; another one is not', async () => {
  await using world = await startWorld();
  const { connection } = world.bus.line;
  const put = async (id: string | null, title: string) => {
    const said = id === null ? '' : `Nats-Msg-Id: ${id}\r\n`;
    const options = { timeout: 10_000, headers: { encode: () => Buffer.from(`NATS/1.0\r\n${said}\r\n`) } as never };
    const body = JSON.stringify({ title, plan: { steps } });
    const answer = await connection.request(world.names.api('task', 'submit'), body, options);
    const { task_id, created } = answer.json<{ task_id: string; created: boolean }>();
    return { task_id, created };
  };
  const first = await put('q1', 'one');
  assert.deepEqual(await put('q1', 'one'), { ...first, created: false });
  const others = [await put('q1', 'two'), await put('q2', 'one'), await put(null, 'one'), await put(null, 'one')];
  assert.ok(others.every(({ created }) => created));
  assert.equal(new Set([first, ...others].map(({ task_id }) => task_id)).size, 5);
});

test('an id that was made up is the same when the message is delivered again', async () => {
  // The first coordinator may store whatever it likes, but never let go of a message: as if it were killed just before, each time.
  const user = (name: string, deny: string) =>
    `{ user: ${name}, password: x, permissions: { publish: { deny: [${deny}] } } }`;
  await using world = await startWorld({
    coordinators: 0,
    ackWaitMs: 1_000,
    server: {
      config: `authorization { users: [ ${user('mute', '"$JS.ACK.CAPSTAN_TASKS.>"')}, ${user('whole', '"nowhere"')} ] }\nno_auth_user: whole`,
    },
  });
  const mute = await world.coordinator({ env: { CAPSTAN_NATS_USER: 'mute', CAPSTAN_NATS_PASSWORD: 'x' } });
  const seqs = await Promise.all(
    Array.from({ length: 20 }, (_, at) => world.plain({ title: `task ${at}`, plan: { steps } })),
  );
  await world.notice(
    'of each task',
    () =>
      new Set(
        world.notices
          .filter(({ subject }) => subject.endsWith('.succeeded') && !subject.includes('.step.'))
          .map(({ subject }) => subject),
      ).size === seqs.length,
  );
  assert.equal((await world.bus.log(world.names.streams.tasks).info()).messages, seqs.length, 'nothing was let go');
  await mute.kill();

  const second = await world.coordinator({ instance: mute.instance });
  await second.logged(
    'that it took all of them',
    () => second.log.filter(({ msg }) => msg === 'a task came through the plain door').length >= seqs.length,
  );
  assert.ok(
    second.log
      .filter(({ msg }) => msg === 'a task came through the plain door')
      .every(({ created }) => created === false),
    'each was known',
  );
  await world.quiet();
  const { violations, replay } = await audit(world.bus, []);
  assert.deepEqual(violations, []);
  assert.equal(replay.tasks.size, seqs.length);
});

test('a task that is not to start waits until it is told', async () => {
  await using world = await startWorld();
  const { task_id, status } = await world.submit({ start: false, plan: { steps } });
  assert.equal(status, 'planned');
  const planned = await world.until(task_id, 'it is planned', (task) => task.status === 'planned');
  assert.match(planned.steps['a']?.waiting_for ?? '', /somebody to start it/);
  assert.equal((await world.bus.log(world.names.streams.orders).info()).last, 0, 'nothing was ordered');
  assert.equal((await world.api<{ status: string }>('task.execute', { task_id, by: 'alice' })).status, 'running');
  assert.equal((await world.ended(task_id)).status, 'succeeded');
  assert.equal(
    (await world.ask('task.execute', { task_id })).error?.code,
    'conflict',
    'what has ended is not started again',
  );
});

test('a template that no planner knows is refused at once, with the nearest name', async () => {
  await using world = await startWorld();
  const planner = {
    v: 1,
    queue: 'planner',
    instance: 'p1',
    capabilities: ['plan'],
    templates: ['deploy-feature', 'hello'],
    health: 'ok',
  };
  const agents = world.bus.store(world.names.buckets.agents);
  await agents.set({ key: 'planner.p1', data: JSON.stringify(planner), expect: null });
  await world.api('agent.list', {});
  const asked = await world.ask('task.submit', { task_id: newId(), template: { name: 'helo' } });
  assert.deepEqual(
    [asked.error?.code, asked.error?.fields?.[0]?.path, asked.error?.message],
    ['invalid', 'template.name', 'There is no template "helo". Did you mean "hello"?'],
  );
  assert.equal((await world.submit({ task_id: newId(), template: { name: 'hello' } })).status, 'planning');
});
