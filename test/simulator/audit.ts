// What must be true at the end: everything accepted is in the log, stored as the log has it, and ended or waiting for something named.
// What must be true all the time is in watch.ts and oracle.ts.
import { type Broker, textOf } from '@capstan/bus';
import { type AgentRecord, dlqHeaders, type Intervention, type Submission, type TaskRecord } from '@capstan/contracts';
import { recordOf, standing, taskEnded, type TaskState } from '@capstan/engine';
import { checkLists } from '../integration/support/audit-lists.ts';
import type { Keeping } from '@capstan/coordinator';
import { auditArchive } from './audit-archive.ts';
import { heldLeave, waitsForOthers } from './leave.ts';
import type { FollowedTask, Oracle, Version } from './oracle.ts';
import type { Watch } from './watch.ts';

export interface AuditOptions {
  readonly broker: Broker;
  readonly oracle: Oracle;
  readonly watch: Watch;
  readonly accepted: ReadonlySet<string>;
  readonly keeping: Keeping;
  /** Commands that were taken, by who gave them. */
  readonly taken: ReadonlySet<string>;
  /** The attempts whose body was run. */
  readonly ran: ReadonlySet<string>;
  readonly wrong: (text: string) => void;
}

/** Says what is wrong; returns how many tasks have ended. */
export const audit = (options: AuditOptions): number => {
  const { broker, oracle, watch, accepted, ran, wrong } = options;
  const refused = refusedIn(broker);
  for (const id of accepted)
    if (!oracle.tasks.has(id) && !refused.has(id)) wrong(`${id} was accepted, and the log does not know it`);

  const asked = inboxOf(broker);
  const offered = agentsOf(broker);
  let ended = 0;
  auditArchive(options);
  for (const task of oracle.tasks.values()) {
    if (task.archived !== null) {
      ended += 1;
      continue;
    }
    const { seq, at, state } = task.versions.at(-1) as Version<TaskState>;
    // What has only just come, a deadline perhaps, is on its way.
    const isNew = at > broker.clock.now() - newMs;
    if (watch.covered.get(task.id) !== seq && !isNew)
      wrong(`the snapshot of ${task.id} is at ${watch.covered.get(task.id)}, and its last event at ${seq}`);
    for (const owed of task.owed)
      if (!watch.isStored(task, owed) && !isNew) wrong(`${JSON.stringify(owed)} of ${task.id} was never stored`);
    const record = recordOf(state, { whole: true });
    if (taskEnded(state.status) && !isNew) mustBeTold(task, state, wrong);
    if (taskEnded(state.status) && state.errands === 0) ended += 1;
    else if (!isNew) {
      stillWaits(task.id, record, wrong);
      if (state.status === 'queued' && !waitsForOthers(oracle, state))
        wrong(`${task.id} is queued, and its tenant has room for it`);
      mustFindNobody(task.id, state, offered, wrong);
    }
    for (const id of record.interventions)
      if (!asked.has(id) && !isNew) wrong(`${task.id} asked ${id}, which is not in the inbox`);
  }
  listsOf(options);
  for (const actor of oracle.actors.values()) {
    const { seq, at } = actor.versions.at(-1) as Version<unknown>;
    if (at > broker.clock.now() - newMs) continue;
    if (watch.covered.get(actor.id) !== seq) wrong(`the snapshot of ${actor.id} is not at its last event`);
    for (const task of heldLeave(actor, oracle)) wrong(`${actor.id} keeps room for ${task}, which is over`);
    for (const owed of actor.owed)
      if (!watch.isStored(actor, owed)) wrong(`${JSON.stringify(owed)} of ${actor.id} was never stored`);
  }
  for (const [id, item] of asked) {
    if (isArchived(oracle, item.task_id)) continue;
    const isOpen = oracle.stateOf(item.task_id)?.asks[id] !== undefined;
    const at = oracle.tasks.get(item.task_id)?.versions.at(-1)?.at ?? 0;
    if (isOpen !== (item.status === 'pending') && at <= broker.clock.now() - newMs)
      wrong(`${id} is ${item.status} in the inbox, and ${isOpen ? 'open' : 'closed'} by the log`);
  }

  const ordered = new Set([...watch.orders].map((subject) => subject.split('.').slice(3).join('.')));
  for (const name of ran) if (!ordered.has(name)) wrong(`the attempt ${name} ran without an order`);
  return ended;
};

/** What has only just come is on its way. */
export const newMs = 5_000;

export const isArchived = (oracle: Oracle, id: string): boolean => (oracle.tasks.get(id)?.archived ?? null) !== null;

/** What has only just come, or gone, may not be stored with a checkpoint yet. */
const listsOf = ({ broker, oracle, watch, wrong }: AuditOptions): void => {
  const prefix = `$KV.${broker.names.buckets.tasks}.`;
  const stored = new Map<string, string>();
  for (const { subject, data } of broker.streams.get(`KV_${broker.names.buckets.tasks}`)?.all([]) ?? [])
    if (data.length > 0) stored.set(subject.slice(prefix.length), textOf(data));
  const wasThere = broker.clock.now() - listedMs;
  const kept = [...oracle.tasks.values()].filter(
    ({ id, archived }) => archived === null || (watch.archive.movedAt.get(id) ?? 0) > wasThere,
  );
  const last = kept.map(({ id, partition, versions }) => ({
    ...{ id, partition },
    ...(versions.at(-1) as Version<TaskState>),
  }));
  const passed = (id: string): number => {
    const task = last.find((one) => one.id === id);
    if (task === undefined || isArchived(oracle, id) || task.at > broker.clock.now() - newMs) return 0;
    return (JSON.parse(stored.get(`_checkpoint.${task.partition}`) ?? '{"seq":0}') as { seq: number }).seq;
  };
  checkLists(stored, last, passed, wrong);
};

/** Whoever took a task out of the bucket and died before the list was stored: the next one to look takes it off. */
const listedMs = 60_000;

/** What came through the plain door beyond a quota lies among the dead letters, for whoever wants to send it again. */
export const refusedIn = (broker: Broker): ReadonlySet<string> => {
  const { streams, dlq, submit } = broker.names;
  const letters = [...(broker.streams.get(streams.dlq)?.all([dlq('coordinator', 'quota', '*')]) ?? [])];
  return new Set(
    letters
      .filter((letter) => letter.header(dlqHeaders.subject) === submit())
      .map(({ data }) => (JSON.parse(textOf(data)) as Submission).task_id as string),
  );
};

const inboxOf = (broker: Broker): Map<string, Intervention> => {
  const items = new Map<string, Intervention>();
  for (const { data } of broker.streams.get(`KV_${broker.names.buckets.inbox}`)?.all([]) ?? []) {
    if (data.length === 0) continue;
    const item = JSON.parse(textOf(data)) as Intervention;
    items.set(item.id, item);
  }
  return items;
};

const agentsOf = (broker: Broker): AgentRecord[] =>
  [...(broker.streams.get(`KV_${broker.names.buckets.agents}`)?.all([]) ?? [])].flatMap(({ data }) =>
    data.length === 0 ? [] : [JSON.parse(textOf(data)) as AgentRecord],
  );

/** Whoever looks for a queue finds it where somebody offers it. */
const mustFindNobody = (
  id: string,
  state: TaskState,
  agents: readonly AgentRecord[],
  wrong: (text: string) => void,
): void => {
  for (const effect of standing(state)) {
    if (effect.kind !== 'route') continue;
    const { step, capability, needs } = effect;
    const found = agents.find(
      ({ capabilities, tags }) =>
        capabilities.includes(capability) && Object.entries(needs).every(([tag, value]) => tags?.[tag] === value),
    );
    if (found !== undefined) wrong(`${id}.${step} looks for "${capability}", which ${found.queue} offers`);
  }
};

/** Whoever wanted to hear of the end was told of it, in whatever way it ended last. */
const mustBeTold = (task: FollowedTask, state: TaskState, wrong: (text: string) => void): void => {
  const channels = [
    ...(state.request.callback_url === undefined ? [] : ['webhook']),
    // How a sub-task ends is a matter of its parent.
    ...(state.parent === null ? state.settings.notify.map(({ channel }) => channel) : []),
  ];
  const told = new Set(
    task.owed.flatMap(({ effect }) =>
      effect.kind === 'order' && effect.order.capability === 'notify'
        ? [`${effect.order.input['event']} ${effect.order.input['channel']}`]
        : [],
    ),
  );
  for (const channel of channels)
    if (!told.has(`task.${state.status} ${channel}`))
      wrong(`${task.id} has ${state.status}, and nobody told ${channel}`);
};

const stillWaits = (id: string, record: TaskRecord, wrong: (text: string) => void): void => {
  for (const [name, step] of Object.entries(record.steps)) {
    if (['succeeded', 'failed', 'skipped', 'cancelled', 'pending'].includes(step.status)) continue;
    if (step.waiting_for === null) wrong(`${id}.${name} is ${step.status} and does not say what it waits for`);
    else if (step.status !== 'blocked' && !(step.status === 'ready' && ['paused', 'queued'].includes(record.status)))
      wrong(`${id}.${name} is still ${step.status} (task ${record.status}), waiting for ${step.waiting_for}`);
  }
};
