// Schedules over a real server: a time that is due makes one task, whatever dies around it; an absence is made good as the schedule says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audit } from './support/audit.ts';
import { capstan } from './support/cli.ts';
import { startWorld, type World } from './support/world.ts';

interface Shown {
  readonly name: string;
  readonly next_at: string | null;
  readonly started: number;
  readonly running: string[];
  readonly recent: {
    readonly due: string;
    readonly outcome: string;
    readonly task_id: string | null;
    readonly reason: string | null;
  }[];
}
const noop = { plan: { steps: [{ id: 'a', capability: 'noop' }] } };

const shown = async (world: World, name: string): Promise<Shown | undefined> =>
  (await world.api<{ schedules: Shown[] }>('schedule.list', { name })).schedules[0];

/** The schedule once something holds of it. */
const until = async (world: World, name: string, holds: (of: Shown) => boolean): Promise<Shown> => {
  for (let left = 150; left > 0; left -= 1) {
    const one = await shown(world, name);
    if (one !== undefined && holds(one)) return one;
    await world.changeOr(200);
  }
  throw new Error(`the schedule ${name} is ${JSON.stringify(await shown(world, name))}`);
};

test('every second, through kill -9: each due time makes one task, and none is made twice', async () => {
  await using world = await startWorld();
  const { next_at } = await world.api<{ next_at: string }>('schedule.put', {
    name: 'tick',
    cron: '* * * * * *',
    catch_up: 'all',
    overlap: 'allow',
    task: noop,
    by: 'alice',
  });
  assert.ok(Date.parse(next_at) > Date.now() - 1_000);
  for (let kills = 0; kills < 2; kills += 1) {
    await until(world, 'tick', ({ started }) => started >= 2 * (kills + 1));
    await world.coordinators.at(-1)?.kill();
    await world.coordinator({ instance: 'c1' });
  }
  await until(world, 'tick', ({ started }) => started >= 8);
  await world.api('schedule.delete', { name: 'tick' });
  await world.api('schedule.put', { name: 'tock', cron: '0 3 * * *', time_zone: 'Europe/Berlin', task: noop });
  const { schedules } = await world.api<{ schedules: Shown[] }>('schedule.list', {});
  assert.deepEqual(
    schedules.map(({ name }) => name),
    ['tock'],
  );
  const { tasks } = await world.api<{ tasks: { task_id: string }[] }>('task.list', { limit: 1000 });
  const ids = tasks.map(({ task_id }) => task_id).toSorted();
  await world.allEnded(ids, 15_000);
  const times = ids.map((id) => Date.parse(id.replace(/^tick-(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z')));
  assert.ok(ids.length >= 8);
  const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
  assert.deepEqual([...new Set(gaps)], [1_000], 'one task for each second, the outages included');
  await world.quiet();
  assert.deepEqual((await audit(world.bus, ids)).violations, []);
});

test('an outage across due times: of what was missed only the newest runs, unless more is asked for', async () => {
  await using world = await startWorld();
  await world.api('schedule.put', { name: 'latest', cron: '* * * * * *', task: noop });
  await until(world, 'latest', ({ started }) => started > 0);
  const before = await shown(world, 'latest');
  await world.coordinators[0]?.kill();
  // Time has to pass for something to become due; nobody is there to give a signal of it.
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  await world.coordinator({ instance: 'c1' });
  const after = await until(world, 'latest', ({ recent }) => recent.some(({ outcome }) => outcome === 'missed'));
  const missed = after.recent.filter(({ outcome }) => outcome === 'missed');
  assert.ok(missed.length >= 2, JSON.stringify(after.recent));
  assert.ok(after.started > (before?.started ?? 0));
});

test('once, at a time; what is refused says why and is a dead letter; a mistake is answered with what was expected', async () => {
  await using world = await startWorld();
  const at = new Date(Date.now() + 1_000).toISOString();
  await world.api('schedule.put', { name: 'once', at, task: noop });
  const done = await until(world, 'once', ({ recent }) => recent.length > 0);
  assert.deepEqual([done.next_at, done.recent[0]?.outcome], [null, 'started']);
  assert.equal((await world.ended(done.recent[0]?.task_id ?? '')).status, 'succeeded');

  const strict = { strict: true, plan: { steps: [{ id: 'a', capability: 'nobody-has-this' }] } };
  await world.api('schedule.put', { name: 'bad', at: new Date(Date.now() + 500).toISOString(), task: strict });
  const refused = await until(world, 'bad', ({ recent }) => recent.some(({ outcome }) => outcome === 'refused'));
  assert.match(refused.recent.at(-1)?.reason ?? '', /nobody-has-this/);
  assert.deepEqual(refused.running, []);
  await world.letter('the refused task', ({ subject }) => subject.includes('.invalid.'));

  for (const [body, issue] of [
    [{ name: 'x', cron: '99 * * * *', task: noop }, /no cron expression/],
    [{ name: 'x', cron: '* * * * *', time_zone: 'Mars/Base', task: noop }, /Europe\/Berlin/],
    [{ name: 'x', task: noop }, /either cron or at/],
    [{ name: 'x', at: '2020-01-01', task: noop }, /passed already/],
    [{ name: 'x', cron: '* * * * *', task: {} }, /nothing to do/],
  ] as const) {
    const { error } = await world.ask('schedule.put', body);
    assert.equal(error?.code, 'invalid');
    assert.match(error?.message ?? '', issue);
  }
  assert.equal((await world.ask('schedule.delete', { name: 'nobody' })).error?.code, 'not_found');
});

test('from the command line: put, listed, deleted', async () => {
  await using world = await startWorld();
  const run = (...words: string[]) => capstan(world.server.url, ...words);
  const when = ['--cron', '0 3 * * *', '--time-zone', 'Europe/Berlin'];
  const put = await run('schedule', 'put', 'nightly', '--template', 'hello', ...when);
  assert.deepEqual([put.exit, put.err], [0, '']);
  assert.match(put.out, /^nightly is due next at \d{4}-\d\d-\d\dT0[12]:00:00\.000Z\.\n$/);
  assert.match((await run('schedule', 'ls')).out, /nightly +0 3 \* \* \* Europe\/Berlin/);
  assert.equal((await run('schedule', 'put', 'nightly', '--template', 'hello')).exit, 2);
  assert.match((await run('schedule', 'put', 'x', '--title', 'x', '--cron', '61 * * * *')).err, /no cron expression/);
  assert.equal((await run('schedule', 'rm', 'nightly')).out, 'nightly is deleted.\n');
  assert.match((await run('schedule', 'ls')).err, /None/);
  assert.match((await run('circuits')).err, /nobody has said that a queue or a tool fails/);
});
