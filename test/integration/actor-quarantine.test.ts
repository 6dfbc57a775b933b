// An event that a schedule can't decide on: it stands still where people see it, nobody is told that a change was made, and nothing that was said is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openKeyRing, partitionOf } from '@capstan/bus';
import { actorId, dlqHeaders, type Quarantine } from '@capstan/contracts';
import { capstan } from './support/cli.ts';
import { newId, startWorld, type World } from './support/world.ts';

const actor = actorId('schedule', 's1');
const put = (cron: string) => ({ name: 's1', cron, task: { plan: { steps: [{ id: 'a', capability: 'noop' }] } } });

/** Says an event as somebody would who has the keys. */
const sayGenuine = async (world: World, name: readonly (string | number)[], body: object): Promise<number> => {
  const ring = await openKeyRing(world.bus);
  const bare = world.names.event(partitionOf(actor), actor, ...name);
  const subject = `${bare}.${ring.sign(ring.current, bare)}`;
  const { seq } = await world.bus.once({
    subject,
    data: JSON.stringify({ v: 1, key: ring.current, rules: 1, ...body }),
  });
  await ring.stop();
  return seq;
};

const quarantined = async (world: World): Promise<Quarantine[]> =>
  (await world.api<{ quarantined: Quarantine[] }>('quarantine.list', {})).quarantined;
const crons = async (world: World): Promise<unknown[]> =>
  (await world.api<{ schedules: { cron: string }[] }>('schedule.list', {})).schedules.map(({ cron }) => cron);

test('a schedule that fails on an event stands still for all to see; released, it hears what was said since', {
  timeout: 120_000,
}, async () => {
  await using world = await startWorld();
  await world.api('schedule.put', put('0 0 1 1 *'));
  const poison = await sayGenuine(world, ['due', 1], { times: 7 });
  const letter = await world.letter('of it', (one) => one.header(dlqHeaders.task) === actor);
  assert.deepEqual(
    [
      letter.header(dlqHeaders.reason),
      letter.header(dlqHeaders.seq),
      JSON.parse(Buffer.from(letter.data).toString()).times,
    ],
    ['internal', String(poison), 7],
  );
  for (const until = Date.now() + 15_000; (await quarantined(world)).length === 0; await world.changeOr(100))
    assert.ok(Date.now() < until, 'nobody can see that it stands still');
  const refused = await world.ask('schedule.put', put('0 0 2 2 *'));
  assert.equal(refused.error?.code, 'unavailable');
  assert.match(refused.error?.message ?? '', new RegExp(`Schedule "s1" is quarantined at event ${poison}`));
  assert.equal((await world.ask('schedule.delete', { name: 's1' })).error?.code, 'unavailable');
  // Said at that very moment by somebody who did not know yet.
  const spec = put('0 0 3 3 *');
  await sayGenuine(world, ['put', newId()], { spec, by: 'ada' });

  await world.quiet();
  await world.coordinator();
  assert.deepEqual(
    (await quarantined(world)).map(({ task_id, seq, why }) => [task_id, seq, why]),
    [[actor, poison, 'event']],
    'still after a restart',
  );
  assert.deepEqual(await crons(world), ['0 0 1 1 *']);
  assert.match((await capstan(world.server.url, 'quarantine', 'ls')).out, new RegExp(actor));

  const again = await world.ask('quarantine.release', { task_id: actor, by: 'ada' });
  assert.equal(again.error?.code, 'conflict', 'it fails on it again');
  assert.deepEqual(await crons(world), ['0 0 1 1 *']);
  const released = await capstan(world.server.url, 'quarantine', 'release', actor, '--skip');
  assert.deepEqual([released.exit, released.out.trim()], [0, `${actor} goes on.`]);
  assert.deepEqual(await crons(world), ['0 0 3 3 *'], 'what was said meanwhile counts');
  assert.deepEqual(await quarantined(world), []);
  await world.api('schedule.put', put('0 0 4 4 *'));
  assert.deepEqual(await crons(world), ['0 0 4 4 *']);

  // Read from before it: what was left out stays so.
  await world.quiet();
  await world.coordinator();
  assert.deepEqual([await crons(world), await quarantined(world)], [['0 0 4 4 *'], []]);
  assert.equal(world.letters.length, 1, 'one dead letter, however often it was tried');
});
