// What is taken away as left behind, on a real engine: also what is past its time of a process that is still there.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { missingSandbox, newScope } from '../testing.ts';
import { newEngine } from './engine.ts';
import { lifeMs } from './in-time.ts';
import { type Kind, labelsOf } from './labels.ts';
import { reap } from './reap.ts';

const skip: string | false = missingSandbox() ?? false;

test('past its time a command has nobody who looks after it, though its process is there', { skip }, async (t) => {
  const { scope, remove } = newScope();
  t.after(remove);
  const engine = newEngine();
  const other = { id: randomUUID(), scope: `capstan-${scope}` };
  const start = async (kind: Kind, name: string, more: { deadlineMs?: number } = {}) => {
    const container = await engine.docker.createContainer({
      name: `capstan-${name}-${other.id}`,
      Image: 'capstan/sandbox',
      Cmd: ['sleep', '600'],
      Labels: labelsOf(kind, other, more),
      HostConfig: { NetworkMode: 'none' },
    });
    await container.start();
  };
  await start('keeper', 'keeper');
  await start('command', 'late', { deadlineMs: Date.now() - 1_000 });
  await start('command', 'early', { deadlineMs: Date.now() + 600_000 });
  await start('command', 'untimed');
  const names = await reap(engine, { self: { id: randomUUID(), scope: other.scope }, known: () => false });
  assert.deepEqual(
    names.filter((name) => name.endsWith(other.id)),
    [`capstan-late-${other.id}`],
  );
});

test('a command lives as long as its step, or as it asks for itself, and a little', () => {
  const deadline = new Date(Date.now() + 60_000).toISOString();
  assert.equal(lifeMs({ deadline, timeout_ms: 5_000 }, {}), 15_000);
  assert.equal(lifeMs({ deadline, timeout_ms: 5_000 }, { timeoutMs: 1_000 }), 11_000);
  assert.ok(lifeMs({ deadline }, {}) > 60_000);
});
