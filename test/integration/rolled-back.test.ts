// The log comes back from a backup, or from a power cut, older than the snapshots: said loudly, nothing is decided twice, and what is lost shows.
import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Quarantine } from '@capstan/contracts';
import { newId, startWorld } from './support/world.ts';

const asks = {
  steps: [
    { id: 'ask', capability: 'approval', title: 'Go on?' },
    { id: 'do', capability: 'noop', depends_on: ['ask'] },
  ],
};

for (const grownAgain of [false, true])
  test(`a log that is older than the snapshots${grownAgain ? ', and has grown past them since' : ''}`, async () => {
    await using world = await startWorld();
    const [old, ended, lost] = [newId('old'), newId('ended'), newId('lost')];
    const waits = (id: string) => world.until(id, 'it asks', ({ status }) => status === 'awaiting_approval');
    const approve = async (id: string) => {
      const { interventions } = await world.task(id);
      await world.api('inbox.approve', { id: interventions[0], by: 'ada' });
    };
    for (const id of [old, ended]) await world.submit({ task_id: id, plan: asks });
    await Promise.all([old, ended].map(waits));
    await world.checkpointed([old, ended]);
    await world.quiet();

    const stream = join(world.server.dir, 'data/jetstream/$G/streams', world.names.streams.events);
    const backup = join(world.server.dir, 'backup');
    await world.server.kill();
    await cp(stream, backup, { recursive: true });
    await world.server.start();
    const before = await world.coordinator();
    await approve(ended);
    await world.ended(ended);
    await world.submit({ task_id: lost, plan: asks });
    await waits(lost);
    await world.checkpointed([ended, lost]);
    await before.stop();
    const { last } = await world.bus.log(world.names.streams.events).info();

    await world.server.kill();
    await rm(stream, { recursive: true });
    await cp(backup, stream, { recursive: true });
    await world.server.start();
    if (grownAgain)
      for (let n = 0; (await world.bus.log(world.names.streams.events).info()).last <= last; n += 1)
        await world.bus.once({ subject: world.names.event(n % 32, 'nobody', 'woke', n, 'A'.repeat(22)), data: '{}' });
    const after = await world.coordinator();
    await after.logged('that it was rolled back', ({ msg }) => msg.startsWith('the log is not the one that'));

    // What was stored of an end stays; what is in the log goes on; what is in it no more is shown, not forgotten.
    assert.equal((await world.task(ended)).status, 'succeeded');
    const gone = await world.ask('task.get', { task_id: lost });
    assert.match(gone.error?.message ?? '', /quarantined: the log has no beginning of it/);
    const { quarantined } = await world.api<{ quarantined: Quarantine[] }>('quarantine.list', {});
    assert.deepEqual(
      quarantined.map(({ task_id }) => task_id),
      [lost],
    );
    await approve(old);
    assert.equal((await world.ended(old)).status, 'succeeded');
    const fresh = newId('fresh');
    await world.submit({ task_id: fresh, plan: { steps: [{ id: 'one', capability: 'noop' }] } });
    assert.equal((await world.ended(fresh)).status, 'succeeded');
  });
