// A log that was rolled back is told from one that has only grown since it was last looked at.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, memoryBus } from '@capstan/bus';
import { endBefore } from './rolled-back.ts';

test('a log that has grown up to the checkpoint is not rolled back; one that has lost its end is', async () => {
  await using bus = memoryBus(new Broker());
  const { names } = bus;
  const log = bus.log(names.streams.events);
  const say = (task: string) => bus.once({ subject: names.event(0, task, 'submitted', 't'), data: '{}' });
  await say('a');
  assert.equal(await endBefore(log, null), null);
  assert.equal(await endBefore(log, { seq: 2, at: Infinity }), 1);
  await say('b');
  const at = (await log.at(2))?.at ?? 0;
  assert.equal(await endBefore(log, { seq: 2, at }), null);
  assert.equal(await endBefore(log, { seq: 2, at: at - 1 }), 2, 'what is there now came later');
});
