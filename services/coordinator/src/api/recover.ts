// Tasks that do not go on by themselves, and how each is brought to go on. A crash is no such thing: what ran goes on without being asked.
import { type Command, taskCommand, taskList, type TaskRecord } from '@capstan/contracts';
import { readBody } from '../doors/read-body.ts';
import { Refusal } from '../doors/refusal.ts';
import { commandTask, found, summary } from './commands.ts';
import { sinceIn, taskPage } from './page.ts';
import { type Endpoint, endpoint } from './endpoint.ts';

interface Way {
  /** The verb that lets it go on, where there is one. */
  readonly how: 'resume' | 'execute' | 'retry' | null;
  readonly command: Command | null;
  readonly needs: string;
}

const ways: Readonly<Partial<Record<TaskRecord['status'], Way>>> = {
  failed: { how: 'retry', command: 'retry', needs: 'what failed is tried again' },
  cancelled: { how: 'retry', command: 'retry', needs: 'what was stopped is begun again' },
  paused: { how: 'resume', command: 'resume', needs: 'it goes on where it stood' },
  planned: { how: 'execute', command: 'start', needs: 'it is started' },
  blocked: { how: null, command: null, needs: 'an agent that can do it; then it goes on by itself' },
  awaiting_approval: { how: null, command: null, needs: 'a decision: capstan inbox' },
  awaiting_input: { how: null, command: null, needs: 'an answer: capstan inbox' },
};

const recoverable = endpoint('task', 'recoverable', async (context, data) => {
  const { value: asked } = readBody(data, taskList);
  const { status, tenant } = asked;
  const statuses = (Object.keys(ways) as TaskRecord['status'][]).filter(
    (one) => status === undefined || one === status,
  );
  // What does a step of another task is brought back with that one.
  const page = await taskPage(context, { statuses, tenant, since: sinceIn(asked), alone: true }, asked);
  return { ...page, tasks: page.tasks.map(described) };
});

const described = (task: TaskRecord) => {
  const { how, needs } = ways[task.status] as Way;
  const done = task.counts['succeeded'] ?? 0;
  const all = Object.values(task.counts).reduce((sum, count) => sum + count, 0);
  return { ...summary(task), how, needs, succeeded: done, steps: all };
};

const recover = endpoint('task', 'recover', async (context, data) => {
  const { value: asked } = readBody(data, taskCommand);
  const record = await found(context, asked.task_id);
  const way = ways[record.status];
  if (way === undefined || way.command === null)
    throw new Refusal('conflict', `Task "${asked.task_id}" is ${record.status}; there is nothing to recover.`, {
      hint: way === undefined ? `capstan watch ${asked.task_id} shows how it goes.` : `It waits for ${way.needs}.`,
    });
  const after = await commandTask(context, way.command, asked);
  return { ...after, how: way.how, kept: record.counts['succeeded'] ?? 0 };
});

export const recoverEndpoints: readonly Endpoint[] = [recoverable, recover];
