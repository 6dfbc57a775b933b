// What can be asked of tasks and done to them.
import { sha256 } from '@capstan/bus';
import { type Command, limits, parseEventSubject, taskAsk, taskCommand, taskList } from '@capstan/contracts';
import { readBody } from '../doors/read-body.ts';
import { findingsOf } from '../findings.ts';
import { keyOf } from '../key-of.ts';
import { markdownOf, reportOf } from '../report.ts';
import { fit } from '../tasks.ts';
import { commandTask, found, summary } from './commands.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { sinceIn, taskPage } from './page.ts';
import { bodyOf, messagesOf } from './read-events.ts';

const submit = endpoint('task', 'submit', async (context, data, question) => {
  const { newId } = context.world;
  // A question that is put twice, for want of an answer, makes no second task, though it brings no id.
  const unique = question === undefined ? newId() : sha256(`${question} ${sha256(data)}`);
  const { seq: _seq, ...submitted } = await context.admit({ data, madeUpId: `t${unique.slice(0, 20)}` });
  if (submitted.created) return submitted;
  return { ...submitted, status: (await found(context, submitted.task_id)).status };
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

const list = endpoint('task', 'list', async (context, data) => {
  const { value: asked } = readBody(data, taskList);
  const { status, tenant } = asked;
  const statuses = status === undefined ? undefined : [status];
  const page = await taskPage(context, { statuses, tenant, since: sinceIn(asked) }, asked);
  return { ...page, tasks: page.tasks.map(summary) };
});

const commanding = (verb: string, command: Command): Endpoint =>
  endpoint('task', verb, (context, data) => commandTask(context, command, readBody(data, taskCommand).value));

const events = endpoint('task', 'events', async (context, data) => {
  const { value: asked } = readBody(data, taskAsk);
  const { world } = context;
  await found(context, asked.task_id);
  const messages = await messagesOf(world, asked.task_id);
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

const report = endpoint('task', 'report', async (context, data) => {
  const { value: asked } = readBody(data, taskAsk);
  const record = await found(context, asked.task_id);
  const findings = await findingsOf(context.world, record, await keyOf(context.world, asked.task_id));
  const said = reportOf(record, findings);
  return { ...said, markdown: markdownOf(said, findings) };
});

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
  report,
];
