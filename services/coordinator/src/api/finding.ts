// Findings of a task: listed by severity, and said to be dealt with, once.
import { decodeTrusted, textOf } from '@capstan/bus';
import { findingList, findingResolve } from '@capstan/contracts';
import { readBody } from '../doors/read-body.ts';
import { Refusal } from '../doors/refusal.ts';
import { findingsOf, resolvedName } from '../findings.ts';
import { keyOf } from '../key-of.ts';
import { eventSubject } from '../say.ts';
import { archivedRecord, archivedRefusal } from './commands.ts';
import { type ApiContext, type Endpoint, endpoint, pageOf } from './endpoint.ts';

const severities = ['major', 'medium', 'minor'];

const read = async ({ world, tasks }: ApiContext, task: string) => {
  const key = await keyOf(world, task);
  const record = (await tasks.read(task)) ?? (await archivedRecord(world, task));
  if (record === null)
    throw new Refusal('unavailable', `Nobody can say just now how task "${task}" stands. Ask again.`);
  return { key, findings: await findingsOf(world, record, key) };
};

const list = endpoint('finding', 'list', async (context, data) => {
  const { value: asked } = readBody(data, findingList);
  const { findings } = await read(context, asked.task_id);
  const chosen = findings
    .filter((one) => asked.severity === undefined || one.severity === asked.severity)
    .filter((one) => asked.step_id === undefined || one.step_id === asked.step_id)
    .filter((one) => asked.resolved === undefined || (one.resolved !== null) === asked.resolved)
    .toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity) || (a.id < b.id ? -1 : 1));
  const { items, cursor } = pageOf(chosen, ({ id }) => id, asked);
  return { findings: items, cursor, total: chosen.length };
});

const resolve = endpoint('finding', 'resolve', async (context, data) => {
  const { value: asked } = readBody(data, findingResolve);
  const { world } = context;
  const { key, findings } = await read(context, asked.task_id);
  const one = findings.find(({ id }) => id === asked.id);
  if (one === undefined)
    throw new Refusal('not_found', `Task "${asked.task_id}" has no finding "${asked.id}".`, {
      hint: 'finding.list has those that there are.',
    });
  const said = { v: 1, by: asked.by ?? 'somebody', ...(asked.reason === undefined ? {} : { reason: asked.reason }) };
  if (await world.archive.holds(asked.task_id)) throw archivedRefusal(asked.task_id);
  const { subject } = eventSubject(world, asked.task_id, key, ...resolvedName(asked.id));
  const { again } = await world.bus.once({ subject, data: JSON.stringify(said) });
  if (again) {
    const before = await world.bus.log(world.names.streams.events).last(subject);
    const by = before === null ? 'somebody' : (decodeTrusted(before.data) as { by: string }).by;
    if (before !== null && textOf(before.data) !== JSON.stringify(said))
      throw new Refusal('conflict', `${by} has resolved it already.`);
  }
  return { id: asked.id, task_id: asked.task_id, resolved: true, again };
});

export const findingEndpoints: readonly Endpoint[] = [list, resolve];
