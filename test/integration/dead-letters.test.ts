// Dead letters: what is given up is kept as it was, can be read, and is sent on its way again once, however often somebody asks.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Message } from '@capstan/bus';
import { type DeadLetter, dlqHeaders } from '@capstan/contracts';
import { usualWork, type Work } from './support/agent.ts';
import { capstan } from './support/cli.ts';
import { audit } from './support/audit.ts';
import { newId, startWorld, type World } from './support/world.ts';

const once = { retry: { max_attempts: 1 } };
const status = (of: string) => (task: { status: string }) => task.status === of;

const letterOf = (world: World, task: string): Promise<Message> =>
  world.letter(`of ${task}`, (one) => one.header(dlqHeaders.task) === task);
const idOf = (letter: Message): string => letter.header(dlqHeaders.id) ?? '';

interface Acted {
  readonly dry_run: boolean;
  readonly count: number;
  readonly dead_letters: readonly { readonly id: string; readonly state: string; readonly again: boolean }[];
  readonly failed?: readonly { readonly id: string }[];
}

/** Fails until the test says that it is mended. */
const mendable = () => {
  let mended = false;
  const work: Work = ({ attempt }) =>
    mended
      ? { outcome: 'succeeded', output: { attempt } }
      : {
          outcome: 'failed',
          error: { code: 'broken', message: `no good\r\nInjected: header ${attempt}`, retryable: true },
        };
  return { work: { ...usualWork, mend: work }, mend: () => void (mended = true) };
};

test('a step that used up its attempts is put aside with its order, and goes on when it is redriven', async () => {
  await using world = await startWorld({ agent: false });
  const { work, mend } = mendable();
  await world.agent({ work });
  const id = newId();
  await world.submit({
    task_id: id,
    plan: {
      steps: [
        { id: 'a', capability: 'mend', input: { text: 'größe' }, retry: { max_attempts: 2, initial_delay_ms: 1 } },
        { id: 'b', capability: 'echo', input: { got: '${{ steps.a.output.attempt }}' }, depends_on: ['a'] },
      ],
    },
  });
  assert.equal((await world.ended(id)).status, 'failed');
  const letter = await letterOf(world, id);
  const order = await world.bus.log(world.names.streams.orders).last(world.names.order('worker', id, 'a', 2));
  assert.ok(order && Buffer.from(order.data).equals(letter.data), 'the body is the order, byte for byte');
  const header = (name: keyof typeof dlqHeaders) => letter.header(dlqHeaders[name]);
  assert.equal(letter.subject, world.names.dlq('coordinator', 'retries_exhausted', idOf(letter)));
  assert.deepEqual(
    ['reason', 'source', 'attempts', 'subject', 'stream', 'seq', 'task', 'step', 'sha256'].map((name) =>
      header(name as never),
    ),
    [
      'retries_exhausted',
      'coordinator',
      '2',
      order.subject,
      world.names.streams.orders,
      String(order.seq),
      id,
      'a',
      createHash('sha256').update(order.data).digest('hex'),
    ],
  );
  assert.equal(header('error'), 'broken: no good%0D%0AInjected: header 2');
  assert.match(header('hint') ?? '', new RegExp(`capstan retry ${id} --step a`));
  assert.ok(Math.abs(Date.parse(header('at') ?? '') - Date.now()) < 60_000);
  for (const [name, value] of letter.headers()) {
    assert.ok(
      name.startsWith('Dlq-') || name === 'Nats-Expected-Last-Subject-Sequence',
      `${name} is no header of a stranger`,
    );
    assert.match(value, /^[\x20-\x7e]*$/, `${name} is short and printable`);
  }

  mend();
  const asked = await Promise.all(
    Array.from({ length: 10 }, () => world.api<Acted>('dlq.redrive', { id: idOf(letter), by: 'alice' })),
  );
  assert.equal(asked.filter(({ dead_letters }) => dead_letters[0]?.again === false).length, 1, 'one of ten decides');
  const ended = await world.until(id, 'it succeeds', status('succeeded'));
  assert.deepEqual(
    [ended.steps['a']?.attempt, ended.result],
    [3, { got: 3 }],
    'a fresh attempt, and what waited for it',
  );
  assert.equal((await world.api<Acted>('dlq.redrive', { id: idOf(letter) })).dead_letters[0]?.again, true);
  await world.quiet();
  const { violations, replay } = await audit(world.bus, [id]);
  assert.deepEqual(violations, []);
  assert.equal(
    replay.tasks.get(id)?.effects.filter(({ kind }) => kind === 'order').length,
    4,
    'no order more than that',
  );
});

test('every way a step can be given up has its reason', async () => {
  await using world = await startWorld();
  const submit = async (step: object, more: object = {}) =>
    (await world.submit({ ...more, plan: { steps: [{ id: 'a', ...step } as never] } })).task_id;
  const flagged = async (step: object) => {
    const task = await submit(step);
    const { interventions } = await world.until(task, 'a person is asked', status('awaiting_input'));
    return { task, flag: interventions[0] ?? '' };
  };
  const fatal = { capability: 'fail', input: { times: 9, code: 'fatal', retryable: false } };

  const rejected = await flagged(fatal);
  await world.api('inbox.reject', { id: rejected.flag, by: 'alice' });
  const tolerated = await submit({ ...fatal, on_failure: 'skip' });
  const silent = await submit({ capability: 'hold', timeout_ms: 20, ...once });
  const unanswered = await submit({ capability: 'ask' });
  await world.until(unanswered, 'it asks', status('awaiting_input'));
  await world.api('inbox.reject', { id: (await world.task(unanswered)).interventions[0], by: 'bob' });
  const unapproved = await submit({ capability: 'noop', approval: { expires_ms: 20 } });

  assert.equal((await letterOf(world, rejected.task)).header(dlqHeaders.reason), 'not_retryable');
  assert.equal((await letterOf(world, tolerated)).header(dlqHeaders.reason), 'not_retryable');
  assert.equal(
    (await world.ended(tolerated)).status,
    'succeeded',
    'a failure that the plan tolerates is put aside all the same',
  );
  assert.equal((await letterOf(world, silent)).header(dlqHeaders.reason), 'retries_exhausted');
  assert.equal((await letterOf(world, unanswered)).header(dlqHeaders.reason), 'not_retryable');
  assert.equal((await world.ended(unapproved)).steps['a']?.error?.code, 'expired');
  const all = [rejected.task, tolerated, silent, unanswered, unapproved];
  for (const id of all) await world.ended(id);
  await world.quiet();
  assert.deepEqual((await audit(world.bus, all)).violations, []);
  assert.equal(world.letters.length, 4, 'what nobody ever ordered has nothing to be put aside');
});

test('a submission that was refused is redriven as it came, once', async () => {
  await using world = await startWorld();
  const body = JSON.stringify({ strict: true, title: 'größe', plan: { steps: [{ id: 'a', capability: 'paint' }] } });
  const { connection } = world.bus.line;
  connection.publish(world.names.submit('acme'), body);
  const letter = await world.letter('of the strict one', () => true);
  assert.deepEqual(
    [letter.header(dlqHeaders.reason), letter.header(dlqHeaders.subject), letter.header(dlqHeaders.task)],
    ['invalid', world.names.submit('acme'), undefined],
  );

  await world.api('dlq.redrive', { id: idOf(letter) });
  const second = await world.letter('of the second try', (one) => one.seq > letter.seq);
  assert.ok(Buffer.from(second.data).equals(letter.data), 'the same bytes');
  assert.equal(second.header(`${dlqHeaders.header}Dlq-Redrive`), idOf(letter), 'and where they came from');

  await world.agent({ queue: 'painters', instance: 'p1', work: { paint: usualWork.echo } });
  await world.until(
    (await world.submit({ plan: { steps: [{ id: 'a', capability: 'paint' }] } })).task_id,
    'painters are there',
    status('succeeded'),
  );
  await Promise.all(Array.from({ length: 5 }, () => world.api('dlq.redrive', { id: idOf(second), by: 'alice' })));
  await world.emptied();
  await world.api('dlq.redrive', { id: idOf(second) });
  const ended = await world.ended(`r${idOf(second)}`);
  assert.deepEqual([ended.status, ended.tenant, ended.title], ['succeeded', 'acme', 'größe']);
  await world.emptied();
  await world.quiet();
  const { violations, replay } = await audit(world.bus, [ended.task_id]);
  assert.deepEqual(violations, []);
  assert.equal(replay.tasks.size, 2, 'one task of it, and the one that looked for painters');
  assert.equal(world.letters.length, 2);
});

test('listing, filters, dry runs, dropping', async () => {
  await using world = await startWorld({ agent: false });
  const { work, mend } = mendable();
  await world.agent({ work });
  const tasks = await Promise.all(
    [1, 2, 3].map(async (at) => {
      const { task_id } = await world.submit({
        task_id: newId(`s${at}`),
        plan: { steps: [{ id: 'a', capability: 'mend', ...once }] },
      });
      await world.ended(task_id);
      return task_id;
    }),
  );
  const letters = await Promise.all(tasks.map((task) => letterOf(world, task)));
  const [first, second, third] = letters.map(idOf) as [string, string, string];
  for (const bytes of ['{', '[]', Buffer.from([0xff, 0x00])]) await world.plain(bytes);
  await world.letter('of all three', () => world.letters.length === 6);

  const list = async (asked: object = {}) =>
    (await world.api<{ dead_letters: DeadLetter[]; cursor: string | null }>('dlq.list', asked)).dead_letters.map(
      ({ id }) => id,
    );
  assert.equal((await list()).length, 6);
  assert.deepEqual((await list({ reason: 'retries_exhausted' })).toSorted(), [first, second, third].toSorted());
  assert.equal((await list({ reason: 'malformed' })).length, 2);
  assert.deepEqual(await list({ task_id: tasks[1] }), [second]);
  assert.deepEqual(await list({ source: 'nobody' }), []);
  assert.deepEqual(await list({ since: '2999-01-01' }), []);
  const pages: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await world.api<{ dead_letters: DeadLetter[]; cursor: string | null }>('dlq.list', {
      limit: 4,
      ...(cursor === undefined ? {} : { cursor }),
    });
    pages.push(...page.dead_letters.map(({ id }) => id));
    if (page.cursor === null) break;
    cursor = page.cursor;
  }
  assert.deepEqual(pages, await list(), 'page by page, the newest first, nothing twice');
  const bytes = world.letters.find(({ data }) => data[0] === 0xff);
  assert.ok(bytes);
  const shown = await world.api<{ body?: string; body_base64?: string; state: string }>('dlq.get', { id: idOf(bytes) });
  assert.deepEqual([shown.body, shown.body_base64, shown.state], [undefined, '/wA=', 'open']);

  const events = () => world.bus.log(world.names.streams.events).info();
  const before = await events();
  const dry = await world.api<Acted>('dlq.redrive', { reason: 'retries_exhausted', dry_run: true });
  assert.deepEqual([dry.dry_run, dry.count, (await events()).last], [true, 3, before.last], 'it only tells');
  assert.deepEqual(await list({ state: 'redriven' }), []);

  assert.deepEqual((await world.api<Acted>('dlq.drop', { id: first, by: 'alice' })).dead_letters, [
    { id: first, state: 'dropped', again: false },
  ]);
  assert.equal((await world.api<Acted>('dlq.drop', { id: first })).dead_letters[0]?.again, true);
  assert.equal((await world.ask('dlq.redrive', { id: first })).error?.code, 'conflict');
  mend();
  const redriven = await world.api<Acted>('dlq.redrive', { reason: 'retries_exhausted', by: 'alice' });
  assert.deepEqual(
    [redriven.count, redriven.dead_letters.map(({ id }) => id).toSorted()],
    [2, [second, third].toSorted()],
    'what was dropped stays so',
  );
  for (const task of tasks.slice(1)) await world.until(task, 'it succeeds', status('succeeded'));
  assert.equal((await world.ask('dlq.drop', { id: second })).error?.code, 'conflict');
  assert.deepEqual((await list({ state: 'redriven' })).toSorted(), [second, third].toSorted());
  assert.deepEqual(await list({ state: 'dropped' }), [first]);
  assert.equal((await world.task(tasks[0] as string)).status, 'failed');

  assert.equal((await world.ask('dlq.redrive', {})).error?.code, 'invalid', 'all of them only when that is said');
  assert.equal((await world.ask('dlq.get', { id: 'f'.repeat(20) })).error?.code, 'not_found');
  assert.equal((await world.api<Acted>('dlq.drop', { all: true })).count, 3);
  await assert.rejects(world.bus.log(world.names.streams.dlq).forget({}), 'nobody may purge them');
  await world.quiet();
  assert.deepEqual((await audit(world.bus, tasks)).violations, []);
});

test('however many match, all of them are acted on, page by page', { timeout: 120_000 }, async () => {
  await using world = await startWorld({ agent: false });
  const many = 1_100;
  const ids = Array.from({ length: many }, (_, at) => at.toString(16).padStart(20, '0'));
  await Promise.all(
    ids.map((id) =>
      world.bus.once({
        subject: world.names.dlq('coordinator', 'malformed', id),
        data: '{',
        headers: {
          [dlqHeaders.id]: id,
          [dlqHeaders.reason]: 'malformed',
          [dlqHeaders.at]: new Date().toISOString(),
          [dlqHeaders.subject]: world.names.submit(),
        },
      }),
    ),
  );
  const first = await world.api<Acted & { cursor: string | null }>('dlq.drop', { all: true, dry_run: true, limit: 3 });
  assert.deepEqual([first.count, typeof first.cursor], [3, 'string'], 'it says that there are more');
  const dry = await capstan(world.server.url, 'dlq', 'drop', '--reason', 'malformed', '--dry-run');
  assert.match(dry.out, /^Would have dropped 1100 dead letters\./);
  const dropped = await capstan(world.server.url, 'dlq', 'drop', '--reason', 'malformed', '--json');
  const { count, dead_letters: all, cursor } = JSON.parse(dropped.out) as typeof first;
  assert.deepEqual([dropped.exit, count, new Set(all.map(({ id }) => id)).size, cursor], [0, many, many, null]);
  const { dead_letters: open } = await world.api<{ dead_letters: DeadLetter[] }>('dlq.list', { state: 'open' });
  assert.deepEqual(open, []);
});

test('one that can not be redriven does not keep the others', async () => {
  await using world = await startWorld({ agent: false });
  const { work, mend } = mendable();
  await world.agent({ work });
  const { task_id } = await world.submit({ plan: { steps: [{ id: 'a', capability: 'mend', ...once }] } });
  await world.ended(task_id);
  const real = idOf(await letterOf(world, task_id));
  // Whoever may write dead letters may write of a task that never was, and of a subject that nobody may be made to publish to.
  const forged = (id: string, headers: Record<string, string>) =>
    world.bus.once({
      subject: world.names.dlq('coordinator', 'retries_exhausted', id),
      data: '{}',
      headers: {
        [dlqHeaders.id]: id,
        [dlqHeaders.reason]: 'retries_exhausted',
        [dlqHeaders.at]: new Date().toISOString(),
        ...headers,
      },
    });
  await forged('0'.repeat(20), {
    [dlqHeaders.task]: 'nobody',
    [dlqHeaders.step]: 'a',
    [dlqHeaders.subject]: world.names.order('worker', 'nobody', 'a', 1),
  });
  await forged('1'.repeat(20), { [dlqHeaders.subject]: '$JS.API.STREAM.DELETE.CAPSTAN_EVENTS' });
  await forged('2'.repeat(20), {
    [dlqHeaders.task]: task_id,
    [dlqHeaders.step]: 'nowhere',
    [dlqHeaders.subject]: world.names.order('worker', task_id, 'nowhere', 1),
  });
  mend();
  const acted = await world.api<Acted>('dlq.redrive', { reason: 'retries_exhausted' });
  assert.deepEqual(acted.failed?.map(({ id }) => id).toSorted(), ['0'.repeat(20), '1'.repeat(20)]);
  assert.ok(acted.dead_letters.some(({ id }) => id === real));
  const nobodys = '0'.repeat(20);
  assert.equal((await world.ask('dlq.redrive', { id: nobodys })).error?.code, 'not_found');
  assert.equal((await world.api<DeadLetter>('dlq.get', { id: nobodys })).state, 'open', 'what failed is not done');
  assert.equal((await world.api<Acted>('dlq.drop', { id: nobodys })).dead_letters[0]?.state, 'dropped');
  assert.equal((await world.until(task_id, 'it succeeds', status('succeeded'))).steps['a']?.attempt, 2);
  assert.ok((await world.bus.log(world.names.streams.events).info()).last > 0, 'the log is still there');
});
