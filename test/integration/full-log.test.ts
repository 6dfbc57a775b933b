// A log that is nearly full takes no new task, and everything that the old ones need to end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@capstan/contracts';
import { newId, startWorld } from './support/world.ts';

test('at four fifths of the space new tasks are refused, whoever sized it; what runs goes on to its end', async () => {
  await using world = await startWorld({ coordinators: 0 });
  await world.coordinator({ env: { CAPSTAN_EVENTS_BYTES_MAX: String(4 * 1_024 * 1_024) } });
  const log = world.bus.log(world.names.streams.events);
  const asks = {
    steps: [
      { id: 'ask', capability: 'approval', title: 'Go on?' },
      { id: 'do', capability: 'noop', depends_on: ['ask'] },
    ],
  };
  const [waits, stops] = [newId('waits'), newId('stops')];
  await world.submit({ task_id: waits, plan: asks });
  await world.submit({ task_id: stops, plan: { steps: [{ id: 'hold', capability: 'hold' }] } });
  await world.until(waits, 'it asks', ({ status }) => status === 'awaiting_approval');

  // Many at once, so that a look now and then would come too late.
  const description = 'x'.repeat(60_000);
  const sent = await Promise.all(
    Array.from({ length: 100 }, () =>
      world.ask('task.submit', { task_id: newId('large'), description, plan: asks, start: false }),
    ),
  );
  const refused = sent.filter(({ error }) => error !== null);
  assert.ok(refused.length > 20 && refused.length < 100, `${refused.length} of 100 were refused`);
  for (const { error } of refused) {
    assert.equal(error?.code, 'unavailable');
    assert.match(error?.hint ?? '', /events_bytes_max/);
  }
  const { bytes, bytesMax } = await log.info();
  assert.ok(bytes <= bytesMax * (limits.submitSpaceShare + 0.02), `${bytes} of ${bytesMax}`);

  const { interventions } = await world.task(waits);
  await world.api('inbox.approve', { id: interventions[0], by: 'ada' });
  assert.equal((await world.ended(waits)).status, 'succeeded', 'decisions, reports and timers fit');
  await world.api('task.cancel', { task_id: stops, by: 'ada' });
  assert.equal((await world.ended(stops)).status, 'cancelled', 'and cancels');
});
