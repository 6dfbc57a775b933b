// Bad input at both doors: the request door answers a structured error, the plain door keeps the bytes as one dead letter with the right
// reason, and the coordinator goes on with the next good task. What is odd but allowed is taken.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { readLetter } from '@capstan/bus';
import { apiError, dlqHeaders, errorCodes, limits } from '@capstan/contracts';
import { nested, oddSubmissions, sized } from './support/odd-submissions.ts';
import { echoed } from './support/echo.ts';
import { newId, startWorld, type Reply, type World } from './support/world.ts';

const hex = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

const mustBeStructured = (reply: Reply, input: Uint8Array): void => {
  const parsed = apiError.safeParse(reply.body);
  assert.equal(parsed.error, undefined, reply.text.slice(0, 300));
  assert.ok(reply.error);
  assert.equal(reply.status, String(errorCodes[reply.error.code]));
  assert.ok(
    echoed(reply.text, input) <= 256,
    `at most 256 bytes of what was sent come back, not ${echoed(reply.text, input)}: ${reply.text.slice(0, 600)}`,
  );
  assert.ok(reply.text.length < 8_192, `the answer has ${reply.text.length} characters`);
};

const mustStillWork = async (world: World): Promise<void> => {
  const id = newId('good');
  await world.submit({ task_id: id, plan: { steps: [{ id: 'a', capability: 'echo', input: { still: 'here' } }] } });
  assert.deepEqual((await world.ended(id)).result, { still: 'here' });
};

test('the request door answers bad input with a structured error', async (t) => {
  await using world = await startWorld();
  for (const { name, body, code, says } of oddSubmissions) {
    await t.test(name, async () => {
      const reply = await world.ask('task.submit', body);
      mustBeStructured(reply, body);
      assert.equal(reply.error?.code, code, reply.text.slice(0, 300));
      if (says === undefined) return;
      const { message = '', hint = '', fields = [] } = reply.error ?? {};
      assert.match([message, hint, ...fields.flatMap(({ path, issue }) => [path, issue])].join('\n'), says);
    });
  }
  assert.deepEqual(world.letters, [], 'whoever was answered needs no dead letter');
  await mustStillWork(world);
});

test('the plain door keeps bad input as one dead letter each, bytes and reason', async (t) => {
  await using world = await startWorld();
  const sent = await Promise.all(oddSubmissions.map(async (one) => ({ ...one, seq: await world.plain(one.body) })));
  await mustStillWork(world);
  for (const { name, body, reason, seq } of sent) {
    await t.test(name, async () => {
      const letter = await world.letter(`of message ${seq}`, (one) => one.header(dlqHeaders.seq) === String(seq));
      const id = letter.header(dlqHeaders.id) as string;
      assert.equal(letter.subject, world.names.dlq('coordinator', reason, id));
      assert.equal(letter.header(dlqHeaders.reason), reason);
      assert.equal(letter.header(dlqHeaders.sha256), hex(body));
      assert.equal(letter.header(dlqHeaders.subject), world.names.submit());
      assert.match(letter.header(dlqHeaders.hint) ?? '', new RegExp(`capstan dlq redrive ${id}`));
      assert.ok(echoed(letter.header(dlqHeaders.error) ?? '', body) <= 256);
      const kept = await readLetter(world.bus, id);
      assert.ok(kept && Buffer.from(kept.data).equals(body), 'the bytes are as they were sent');
      if (letter.header(dlqHeaders.ref) === undefined)
        assert.ok(Buffer.from(letter.data).equals(body), 'and they are the body of the entry');
    });
  }
  assert.equal(world.letters.length, sent.length, 'one each');
  assert.equal((await world.bus.log(world.names.streams.tasks).info()).messages, 0, 'the plain door is empty');
});

test('the tenant that a subject names', async () => {
  await using world = await startWorld();
  const letterOf = (seq: number) =>
    world.letter(`of message ${seq}`, (one) => one.header(dlqHeaders.seq) === String(seq));
  const body = { task_id: newId(), plan: { steps: [{ id: 'a', capability: 'noop' }] } };

  const other = await letterOf(await world.plain({ ...body, tenant: 'acme' }, 'globex'));
  assert.equal(other.header(dlqHeaders.reason), 'forbidden');
  assert.equal(other.header(dlqHeaders.subject), world.names.submit('globex'));
  for (const token of ['größe', 'a%20b', '$JS', '_x', 'x'.repeat(500), '-']) {
    assert.equal((await letterOf(await world.plain(body, token))).header(dlqHeaders.reason), 'invalid', token);
  }

  await world.plain(body, 'globex');
  assert.equal((await world.ended(body.task_id)).tenant, 'globex', 'a good one wins over a body that names none');
  assert.equal(world.letters.length, 7);
});

test('what is odd but allowed is taken, and runs', async (t) => {
  await using world = await startWorld();
  const taken = async (body: object | Uint8Array): Promise<string> => {
    const reply = await world.ask('task.submit', body instanceof Uint8Array ? body : JSON.stringify(body));
    assert.equal(reply.error, null, reply.text.slice(0, 500));
    return reply.body['task_id'] as string;
  };
  const runs = async (body: object | Uint8Array) => {
    const ended = await world.ended(await taken(body));
    assert.equal(ended.status, 'succeeded', ended.reason ?? '');
    return ended;
  };
  const steps = [{ id: 'a', capability: 'echo', input: { x: 1 } }];

  await t.test(
    'a byte order mark',
    async () =>
      void (await runs(
        Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(JSON.stringify({ plan: { steps } }))]),
      )),
  );
  await t.test('64 levels', async () => void (await taken(nested(64))));
  await t.test('512 KiB', async () => void (await runs(sized(limits.bodyBytesMax, newId('large')))));
  await t.test('a lone surrogate in a title', async () => {
    const body = Buffer.from(`{"title":"a\\ud800b","plan":{"steps":${JSON.stringify(steps)}}}`);
    const { task_id, title } = await runs(body);
    assert.equal(title, 'a\ud800b');
    assert.equal((await world.stored(task_id, 'it ended', ({ status }) => status === 'succeeded')).title, title);
  });
  await t.test('keys that are names of every object', async () => {
    const body = Buffer.from(
      '{"title":"x","__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"plan":{"steps":[{"id":"a","capability":"echo","input":{"__proto__":{"admin":true},"constructor":1,"toString":2}}]}}',
    );
    const { result } = await runs(body);
    assert.deepEqual(result, { constructor: 1, toString: 2 });
    assert.equal(({} as { admin?: boolean }).admin, undefined);
  });
  await t.test('steps that are named like what every object has', async () => {
    const ids = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'];
    const { steps: ran } = await runs({
      plan: { steps: ids.map((id, at) => ({ id, capability: 'echo', input: { at }, depends_on: ids.slice(0, at) })) },
    });
    assert.deepEqual(Object.keys(ran), ids);
    assert.deepEqual(
      ids.map((id) => ran[id]?.output),
      [{ at: 0 }, { at: 1 }, { at: 2 }, { at: 3 }],
    );
  });
  await t.test('capabilities that are named like what every object has', async () => {
    for (const capability of ['constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
      const id = await taken({ plan: { steps: [{ id: 'a', capability }] } });
      const { steps: found } = await world.until(
        id,
        `nobody offers ${capability}`,
        ({ status }) => status === 'blocked',
      );
      assert.match(found['a']?.waiting_for ?? '', /no live agent offers/);
    }
  });
  await t.test('a deadline that has passed', async () => {
    const ended = await world.ended(
      await taken({ deadline: '2020-01-01', plan: { steps: [{ id: 'a', capability: 'hold' }] } }),
    );
    assert.deepEqual([ended.status, ended.reason], ['failed', 'the deadline 2020-01-01T23:59:59.999Z passed']);
  });
  await t.test(
    'a deadline in 7,000 years',
    async () => void (await runs({ deadline: '9999-12-31T23:59:59Z', plan: { steps } })),
  );
  await mustStillWork(world);
});

test('an unknown capability is accepted with a warning, and refused where the task is strict', async () => {
  await using world = await startWorld();
  const plan = { steps: [{ id: 'a', capability: 'ecko' }] };
  const { task_id, warnings } = await world.submit({ plan });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /"ecko" will be blocked.*nearest name that is offered is "echo"/);
  const blocked = await world.until(task_id, 'it is blocked', ({ status }) => status === 'blocked');
  assert.match(blocked.steps['a']?.waiting_for ?? '', /nearest name that is offered is "echo"/);

  const { error } = await world.ask('task.submit', { strict: true, plan });
  assert.equal(error?.code, 'invalid');
  assert.deepEqual(
    error?.fields?.map(({ path }) => path),
    ['plan.steps[0].capability'],
  );
  assert.match(error?.message ?? '', /nearest name that is offered is "echo"/);

  const many = Array.from({ length: 6_000 }, (_, at) => ({ id: `s${at}`, capability: `unheard-of-${at}` }));
  const reply = await world.ask('task.submit', { task_id: newId(), plan: { steps: many } });
  assert.equal(reply.error, null);
  assert.ok(
    reply.text.length < 65_536,
    `6,000 warnings must still be an answer, not one of ${reply.text.length} characters`,
  );
  await mustStillWork(world);
});

test('a reply subject that is no inbox gets no reply', async () => {
  await using world = await startWorld();
  const { connection } = world.bus.line;
  const body = Buffer.from(JSON.stringify({ task_id: newId(), plan: { steps: [{ id: 'a', capability: 'noop' }] } }));
  const heard: string[] = [];
  world.bus.listen('elsewhere.>', ({ subject }) => void heard.push(subject));
  const targets = [
    world.names.submit(),
    world.names.api('task', 'cancel'),
    `$JS.API.STREAM.DELETE.${world.names.streams.tasks}`,
    '$KV.capstan_tasks.x',
    'elsewhere.here',
    world.names.api('task', 'submit'),
  ];
  for (const reply of targets) connection.publish(world.names.api('task', 'submit'), body, { reply });
  // A good request behind them: once it is answered, so were they.
  await mustStillWork(world);
  assert.deepEqual(heard, []);
  assert.equal(
    (await world.bus.log(world.names.streams.tasks).info()).last,
    0,
    'nothing came to the plain door in our name',
  );
  assert.equal(await world.bus.store(world.names.buckets.tasks).get('x'), null);
  assert.equal(
    (await world.ask('task.get', { task_id: JSON.parse(body.toString()).task_id })).error?.code,
    'not_found',
    'and nothing was done',
  );

  // The plain door is answered by the server itself, wherever it is told to: what it says there is one more bad submission, and no loop.
  connection.publish(world.names.submit(), body, { reply: world.names.submit() });
  const letter = await world.letter('of what the server answered', () => true);
  assert.equal(letter.header(dlqHeaders.reason), 'invalid');
  assert.match(Buffer.from(letter.data).toString(), /"stream":"CAPSTAN_TASKS"/);
  await mustStillWork(world);
  assert.equal(world.letters.length, 1);
});

test('every request door answers nonsense with a structured error', async (t) => {
  await using world = await startWorld();
  const doors = [
    'task.get',
    'task.cancel',
    'task.pause',
    'task.resume',
    'task.execute',
    'task.retry',
    'task.skip',
    'task.events',
    'inbox.get',
    'inbox.approve',
    'inbox.reject',
    'inbox.answer',
    'dlq.get',
    'dlq.redrive',
    'dlq.drop',
  ];
  const nonsense: (string | object)[] = [
    '',
    '{',
    '[]',
    '7',
    '{}',
    { task_id: 7, id: [] },
    { task_id: '*', id: '>' },
    { task_id: 'x'.repeat(5_000), id: 'x'.repeat(5_000) },
    { v: 2, task_id: 'a', id: 'a' },
    { task_id: 'none', id: 'none' },
  ];
  for (const door of doors) {
    await t.test(door, async () => {
      for (const body of nonsense) {
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        const reply = await world.ask(door, text);
        mustBeStructured(reply, Buffer.from(text));
        assert.notEqual(reply.error?.code, 'internal', `${door} ${text.slice(0, 80)}`);
      }
    });
  }
  for (const door of ['task.list', 'inbox.list', 'agent.list', 'dlq.list']) {
    await t.test(door, async () => {
      for (const body of ['{', '[]', { limit: 0 }, { limit: 'many' }, { cursor: 7 }, { v: 7 }]) {
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        mustBeStructured(await world.ask(door, text), Buffer.from(text));
      }
      assert.equal((await world.ask(door, { since: '2020-01-01' })).error, null);
      // Of a cursor that no list has given some know that it is none; for the others it is the end of the list.
      const { error } = await world.ask(door, { cursor: 'nowhere' });
      if (error !== null) assert.deepEqual([error.code, error.fields?.[0]?.path], ['invalid', 'cursor']);
    });
  }
  const id = newId();
  await world.submit({ task_id: id, plan: { steps: [{ id: 'a', capability: 'noop' }] } });
  for (const step_id of ['b', 'constructor', '__proto__', 'toString']) {
    assert.equal((await world.ask('task.skip', { task_id: id, step_id })).error?.code, 'not_found', step_id);
  }
  await mustStillWork(world);
});
