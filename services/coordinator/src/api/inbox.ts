// What waits for a person, and the person's word on it. A decision is stored once; a second one that differs is a conflict.
import { canonical, decodeTrusted } from '@capstan/bus';
import {
  type DecidedBody,
  inboxAsk,
  inboxDecide,
  inboxList,
  type Intervention,
  type TaskRecord,
} from '@capstan/contracts';
import { decisionIssue } from '@capstan/engine';
import { readBody } from '../doors/read-body.ts';
import { Refusal } from '../doors/refusal.ts';
import { interventionIn } from '../interventions.ts';
import { keyOf } from '../key-of.ts';
import { settingsOf } from '../references.ts';
import { eventSubject } from '../say.ts';
import type { World } from '../world.ts';
import { answerIssues } from './answer-schema.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { askPage, asksOfTask, sinceIn } from './page.ts';

const read = async (world: World, id: string): Promise<Intervention> => {
  const item = interventionIn(await world.bus.store(world.names.buckets.inbox).get(id));
  if (item === null)
    throw new Refusal('not_found', `Nothing was asked under "${id}".`, {
      hint: 'capstan inbox shows what waits for a person.',
    });
  return item;
};

const list = endpoint('inbox', 'list', async (context, data) => {
  const { value: asked } = readBody(data, inboxList);
  const { status = 'pending', tenant } = asked;
  const query = { statuses: status === 'all' ? undefined : [status], tenant, since: sinceIn(asked) };
  return asked.task_id === undefined
    ? askPage(context, query, asked)
    : asksOfTask(context, asked.task_id, query, asked);
});

const get = endpoint('inbox', 'get', ({ world }, data) => read(world, readBody(data, inboxAsk).value.id));

const deciding = (decision: DecidedBody['decision']): Endpoint =>
  endpoint('inbox', decision, async ({ world, tasks }, data) => {
    const { value: asked } = readBody(data, inboxDecide);
    const item = await read(world, asked.id);
    const body: DecidedBody = {
      v: 1,
      decision,
      by: asked.by ?? 'somebody',
      ...(asked.role === undefined ? {} : { role: asked.role }),
      ...(asked.reason === undefined ? {} : { reason: asked.reason }),
      ...(asked.value === undefined ? {} : { value: asked.value }),
    };
    mustBeOpen(item, body);
    // A stored decision is final, so what may not be decided is refused before.
    const issue = decisionIssue({ ...item, four_eyes: await needsOther(world, item) }, body);
    if (issue !== null)
      throw new Refusal(issue.startsWith('Only') || issue.startsWith('Whoever') ? 'forbidden' : 'invalid', issue);
    if (decision === 'answer') mustFit(item, body);
    const { subject } = eventSubject(world, item.task_id, await keyOf(world, item.task_id), 'decided', item.id);
    // The task itself knows sooner than the list of what waits for a person. Where it waits no more and nobody decided, time or a cancel did.
    const task = await tasks.read(item.task_id);
    const isAsked = task?.steps[item.step_id]?.intervention === item.id;
    if (!isAsked && (await decisionBefore(world, subject)) === null)
      throw isBehind(task, item) ? behind(item) : gone(item);
    const { again, seq } = await world.bus.once({ subject, data: JSON.stringify(body) });
    if (again) {
      const decided = await decisionBefore(world, subject);
      if (decided === null || decided.decision !== body.decision || canonical(decided.value) !== canonical(body.value))
        throw new Refusal(
          'conflict',
          `${decided?.by ?? 'Somebody'} has decided already: ${decided?.decision ?? 'unknown'}.`,
        );
    }
    const after = await tasks.read(item.task_id, again ? undefined : seq);
    return {
      id: item.id,
      task_id: item.task_id,
      step_id: item.step_id,
      status: statusOf(decision),
      task_status: after?.status ?? null,
      again,
    };
  });

/** As it was when the task began: what is configured now is for tasks that come now. */
const needsOther = async (world: World, { four_eyes, kind, task_id: task }: Intervention): Promise<boolean> =>
  // Asked by a coordinator that did not say.
  four_eyes ?? (kind === 'approval' && (await settingsOf(world, task))?.approval.four_eyes === true);

const mustFit = (item: Intervention, body: DecidedBody): void => {
  if (item.kind !== 'question' || item.schema === undefined) return;
  const fields = answerIssues(item.schema, body.value ?? null);
  if (fields.length === 0) return;
  throw new Refusal('invalid', `The answer is not what was asked for: ${fields[0]?.path} ${fields[0]?.issue}`, {
    hint: `capstan inbox --json shows what the answer has to look like.`,
    fields,
  });
};

const statusOf = (decision: DecidedBody['decision']): Intervention['status'] =>
  decision === 'approve' ? 'approved' : decision === 'reject' ? 'rejected' : 'answered';

const gone = (item: Intervention): Refusal =>
  item.status === 'withdrawn'
    ? new Refusal('gone', 'It is no longer asked: its task ended or its step was skipped.')
    : new Refusal('gone', `It is no longer asked; it was to be decided until ${item.expires_at}.`);

/** Whoever has taken the task over may not have read as far yet as whoever asked. */
const isBehind = (task: TaskRecord | null, item: Intervention): boolean =>
  item.status === 'pending' && (task === null || task.updated_at <= item.created_at);

const behind = (item: Intervention): Refusal =>
  new Refusal('unavailable', `Task "${item.task_id}" is being taken over by another coordinator.`, {
    hint: 'Ask again in a moment.',
  });

const mustBeOpen = (item: Intervention, body: DecidedBody): void => {
  if (item.status === 'expired' || item.status === 'withdrawn') throw gone(item);
  if (item.status !== 'pending' && item.status !== statusOf(body.decision))
    throw new Refusal('conflict', `${item.by} has decided already: ${item.status}.`);
};

/** By its whole name: only whoever has the key could have written there. */
const decisionBefore = async (world: World, subject: string): Promise<DecidedBody | null> => {
  const message = await world.bus.log(world.names.streams.events).last(subject);
  return message === null ? null : (decodeTrusted(message.data) as DecidedBody);
};

export const inboxEndpoints: readonly Endpoint[] = [
  list,
  get,
  deciding('approve'),
  deciding('reject'),
  deciding('answer'),
];
