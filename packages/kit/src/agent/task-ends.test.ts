// Ends of tasks, heard over a real server: of those that are followed, however they come, and of no other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '@capstan/bus';
import { startNatsServer } from '@capstan/bus/testing';
import { newTaskEnds } from './task-ends.ts';

const opened = async (t: { after(act: () => Promise<unknown>): void }) => {
  const server = await startNatsServer();
  const [agent, other] = await Promise.all([connect({ url: server.url }), connect({ url: server.url })]);
  t.after(async () => {
    await Promise.all([agent.close(), other.close()]);
    await server.stop();
  });
  const notice = (task: string, status: string) => other.tell(other.names.notice('default', task, status), '{}');
  /** Everything that was said before is there. */
  const settled = async () => {
    await other.line.connection.flush();
    await agent.line.connection.flush();
  };
  return { agent, other, notice, settled };
};

test('the end of a task that is followed is heard each time, until nobody wants to hear it any more', async (t) => {
  const { agent, notice, settled } = await opened(t);
  const heard: string[] = [];
  const stop = newTaskEnds(agent).follow('mine', (status) => heard.push(status));
  await settled();
  for (const status of ['running', 'failed', 'running', 'succeeded']) notice('mine', status);
  notice('another', 'succeeded');
  await settled();
  assert.deepEqual(heard, ['failed', 'succeeded']);
  stop();
  await settled();
  notice('mine', 'succeeded');
  await settled();
  assert.equal(heard.length, 2);
});

test('an end from before anybody listened is looked up', async (t) => {
  const { agent, other, settled } = await opened(t);
  const asked: string[] = [];
  other.listen(other.names.api('task', 'get'), ({ data, reply }) => {
    asked.push(Buffer.from(data).toString());
    other.tell(reply ?? '', JSON.stringify({ task_id: 'mine', status: 'cancelled' }));
  });
  await settled();
  const status = await new Promise((resolve) => void newTaskEnds(agent).follow('mine', resolve));
  assert.deepEqual([status, asked], ['cancelled', ['{"task_id":"mine"}']]);
});

test('a task is open until it has ended, also while nobody answers; one that nobody knows is not', async (t) => {
  const { agent, other, settled } = await opened(t);
  const ends = newTaskEnds(agent);
  assert.equal(await ends.isOpen('mine'), true);
  const answers: object[] = [{ status: 'running' }, { status: 'failed' }, { error: { code: 'not_found' } }];
  other.listen(other.names.api('task', 'get'), ({ reply }) => other.tell(reply ?? '', JSON.stringify(answers.shift())));
  await settled();
  const open = [await ends.isOpen('mine'), await ends.isOpen('mine'), await ends.isOpen('mine')];
  assert.deepEqual(open, [true, false, false]);
});
