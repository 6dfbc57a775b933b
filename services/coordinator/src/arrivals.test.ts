// Whoever sets out for a task that is on its way already comes after, and nothing that is heard meanwhile is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Actor } from './actor.ts';
import { newArrivals } from './arrivals.ts';
import type { Heard } from './hear.ts';

const heard = (seq: number) => ({ task: 't', message: { seq, at: seq } }) as unknown as Heard;

test('what is begun while a task is on its way is done after, before anything that was heard meanwhile', async () => {
  const story: string[] = [];
  const arrivals = newArrivals({
    ...{ stopped: () => false, take: () => {}, fatal: assert.ifError },
    apply: ({ message }) => void story.push(`event ${message.seq}`),
    here: () => ({ id: 't' }) as Actor,
  });
  const loads = Promise.withResolvers<void>();
  const first = arrivals.begin('t', null, async () => {
    story.push('loading');
    await loads.promise;
    // What it begins with fails, so that it is put aside: from within its own work.
    void arrivals.begin('t', { seq: 4, at: 4 }, async () => {
      story.push('put aside');
      assert.equal(arrivals.uncovered()?.seq, 4, 'what it waits for is not passed over');
    });
    story.push('loaded');
  });
  const second = arrivals.begin('t', { seq: 9, at: 9 }, async () => {
    story.push('once more');
    return [heard(5)];
  });
  assert.ok(arrivals.hold(heard(6)));
  loads.resolve();
  assert.equal((await first)?.id, 't');
  assert.equal(await second, await first);
  assert.deepEqual(story, ['loading', 'loaded', 'once more', 'put aside', 'event 5', 'event 6']);
  assert.equal(arrivals.size, 0);
  assert.equal(arrivals.uncovered(), null);
});
