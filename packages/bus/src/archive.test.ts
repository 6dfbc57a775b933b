// What was said to a task that is archived while the log has yet to forget it, or has forgotten a part of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ArchivedTask, archivedEvent, wholeHistory } from './archive.ts';
import type { Message } from './port.ts';

const said = (seq: number, kind: string): Message => ({
  ...{ seq, at: seq, subject: `capstan.event.0.t1.${kind}.token`, data: Buffer.from(kind) },
  header: () => undefined,
  headers: () => [],
});
const all = [said(3, 'submitted'), said(5, 'report.q.a.1'), said(9, 'woke.1')];
const archived = { events: all.map(archivedEvent) } as unknown as ArchivedTask;
const seqs = async (logged: readonly Message[], found: ArchivedTask | null): Promise<number[]> =>
  (await wholeHistory(logged, async () => found)).map(({ seq }) => seq);

test('the history of a task is whole, however much of it the log still has', async () => {
  const late = said(12, 'report.q.a.1');
  assert.deepEqual(await seqs(all, null), [3, 5, 9]);
  assert.deepEqual(await seqs(all.slice(1), archived), [3, 5, 9]);
  assert.deepEqual(await seqs([...all.slice(2), late], archived), [3, 5, 9, 12]);
  assert.deepEqual(await seqs([], archived), [3, 5, 9]);
  assert.deepEqual(await seqs([], null), []);
  await wholeHistory(all, () => assert.fail('the log has it all'));
});
