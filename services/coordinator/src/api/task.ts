// What can be asked of tasks and done to them.
import { decodeAny, type Message, partitionOf } from '@capstan/bus';
import {
  type Command,
  type CommandBody,
  limits,
  parseEventSubject,
  taskAsk,
  taskCommand,
  taskList,
  type TaskRecord,
  timeMs,
} from '@capstan/contracts';
import { commandIssue } from '@capstan/engine';
import { readBody } from '../doors/read-body.ts';
import { Refusal } from '../doors/refusal.ts';
import { keyOf } from '../key-of.ts';
import { sayEvent } from '../say.ts';
import { submissionOf } from '../submission-of.ts';
import { fit } from '../tasks.ts';
import { type ApiContext, type Endpoint, endpoint, pageOf } from './endpoint.ts';

const found = async (context: ApiContext, id: string): Promise<TaskRecord> =>
  (await context.tasks.read(id)) ?? justSubmitted(context, id);

/** Its owner may not have heard of it yet, or may not answer just now: whoever was told that a task is taken must not be told that there is none. */
const justSubmitted = async ({ world, tasks }: ApiContext, id: string): Promise<TaskRecord> => {
  const began = await submissionOf(world, id);
  if (began === null)
    throw new Refusal('not_found', `There is no task "${id}".`, {
      hint: 'capstan list shows the tasks that there are.',
    });
  const record = await tasks.read(id, began.heard.message.seq);
  if (record === null)
    throw new Refusal('unavailable', `Task "${id}" is taken, and nobody can say just now how it stands. Ask again.`);
  return record;
};

const submit = endpoint('task', 'submit', async (context, data) => {
  const { seq: _seq, ...submitted } = await context.admit({ data, madeUpId: `t${context.world.newId().slice(0, 20)}` });
  if (submitted.created) return submitted;
  return { ...submitted, status: (await context.tasks.read(submitted.task_id))?.status ?? submitted.status };
});

const get = endpoint('task', 'get', async (context, data) => {
  const record = await found(context, readBody(data, taskAsk).value.task_id);
  // The steps of a very large plan are too much for one message; so may be what its last steps gave.
  const whole = await fit(context.world, record.task_id, JSON.stringify({ found: record }), (ref) => {
    const without = { ...record, steps: {}, artifacts: [], steps_ref: ref };
    const text = JSON.stringify({ found: without });
    return Buffer.byteLength(text) <= limits.replyBytesMax
      ? text
      : JSON.stringify({ found: { ...without, result: null } });
  });
  return (JSON.parse(whole) as { found: unknown }).found;
});

const list = endpoint('task', 'list', async ({ tasks }, data) => {
  const { value: asked } = readBody(data, taskList);
  const since = asked.since === undefined ? 0 : timeMs(asked.since);
  const all = (await tasks.list()).filter(
    (task) =>
      (asked.status === undefined || task.status === asked.status) &&
      (asked.tenant === undefined || task.tenant === asked.tenant) &&
      timeMs(task.created_at) >= since,
  );
  const { items, cursor } = pageOf(all, (task) => task.task_id, asked);
  return { tasks: items.map(summary), cursor, total: all.length };
});

const summary = ({
  task_id,
  title,
  tenant,
  priority,
  status,
  reason,
  phase,
  requester,
  created_at,
  started_at,
  finished_at,
  updated_at,
  counts,
}: TaskRecord) => ({
  task_id,
  title,
  tenant,
  priority,
  status,
  reason,
  phase,
  requester,
  created_at,
  started_at,
  finished_at,
  updated_at,
  counts,
});

/** A command is stored as an event, then answered with what came of it. */
const commanding = (verb: string, command: Command): Endpoint =>
  endpoint('task', verb, async (context, data) => {
    const { value: asked } = readBody(data, taskCommand);
    const { world, tasks } = context;
    const record = await found(context, asked.task_id);
    const body: CommandBody = {
      v: 1,
      command,
      by: asked.by ?? 'somebody',
      ...(asked.step_id === undefined ? {} : { step_id: asked.step_id }),
      ...(asked.reason === undefined ? {} : { reason: asked.reason }),
    };
    if (asked.step_id !== undefined && !Object.hasOwn(record.steps, asked.step_id))
      throw new Refusal('not_found', `Task "${asked.task_id}" has no step "${asked.step_id}".`, {
        fields: [{ path: 'step_id', issue: 'names no step' }],
      });
    if (record['quarantine'] !== undefined)
      throw new Refusal(
        'conflict',
        `Task "${asked.task_id}" is quarantined, so nothing that is said to it now is heard.`,
        {
          hint: `capstan quarantine release ${asked.task_id} lets it go on.`,
        },
      );
    const issue = commandIssue(record.status, body);
    if (issue !== null)
      throw new Refusal(asked.step_id === undefined && command === 'skip' ? 'invalid' : 'conflict', issue);
    const objection = await tasks.objection(asked.task_id, body);
    if (objection !== null) throw new Refusal('conflict', objection);
    const { seq } = await sayEvent(
      world,
      asked.task_id,
      await keyOf(world, asked.task_id),
      ['commanded', world.newId()],
      body,
    );
    const after = await tasks.read(asked.task_id, seq);
    return { task_id: asked.task_id, status: after?.status ?? record.status, reason: after?.reason ?? null };
  });

const events = endpoint('task', 'events', async (context, data) => {
  const { value: asked } = readBody(data, taskAsk);
  const { world } = context;
  await found(context, asked.task_id);
  const messages: Message[] = [];
  let done: () => void = () => {};
  const all = new Promise<void>((resolve) => (done = resolve));
  const reading = await world.bus.log(world.names.streams.events).read({
    subjects: [world.names.eventsOfTask(partitionOf(asked.task_id, world.partitions), asked.task_id)],
    after: 0,
    on: (message) => void (messages.length < limits.eventsListMax ? messages.push(message) : done()),
    onIdle: () => done(),
  });
  await all;
  await reading.stop();
  return {
    task_id: asked.task_id,
    events: messages.map((message) => {
      const said = parseEventSubject(world.names, message.subject);
      return {
        seq: message.seq,
        at: new Date(message.at).toISOString(),
        kind: said?.kind,
        name: said?.name,
        body: bodyOf(message),
      };
    }),
  };
});

/** Anybody who may write events may have written anything; what is no JSON is left out, and its bytes stay in the log. */
const bodyOf = (message: Message): unknown => {
  const decoded = decodeAny(message.data, { bytesMax: 2 * limits.bodyBytesMax, depthMax: limits.jsonDepthMax + 8 });
  return decoded.ok ? decoded.value : null;
};

export const taskEndpoints: readonly Endpoint[] = [
  submit,
  get,
  list,
  commanding('cancel', 'cancel'),
  commanding('pause', 'pause'),
  commanding('resume', 'resume'),
  commanding('execute', 'start'),
  commanding('retry', 'retry'),
  commanding('skip', 'skip'),
  events,
];
