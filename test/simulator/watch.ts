// Looks at everything that is stored, at the moment in which it is: an order after its cause, a snapshot after its orders, a checkpoint after its
// snapshots. What is wrong only for a while is seen here, and nowhere else.
import { type Broker, textOf } from '@capstan/bus';
import type { Effect, Intervention, TaskRecord } from '@capstan/contracts';
import { nextDue, owedOrders, pageOf, recordOf, taskEnded, type TaskState } from '@capstan/engine';
import type { Stored } from './events.ts';
import type { Keeping } from '@capstan/coordinator';
import type { Followed, FollowedTask, Oracle, Owed } from './oracle.ts';
import { isStored as isOnShelf } from './stored.ts';
import { type ArchiveWatch, pageKey, watchArchive } from './watch-archive.ts';

export interface Watch {
  /** Up to where the stored snapshot of each task and each other actor goes. */
  readonly covered: ReadonlyMap<string, number>;
  readonly orders: ReadonlySet<string>;
  readonly archive: ArchiveWatch;
  /** Whether a durable effect has been stored. */
  isStored(followed: Followed, owed: Owed): boolean;
}

export const watch = (broker: Broker, oracle: Oracle, keeping: Keeping, wrong: (text: string) => void): Watch => {
  const { names } = broker;
  const covered = new Map<string, number>();
  const checkedTo = new Map<string, number>();
  const waiting = new Map<string, Owed[]>();
  const orders = new Set<string>();
  const letters = new Set<string>();
  const asked = new Map<string, Intervention['status']>();
  /** The lists of open tasks, by key. */
  const open = new Map<string, Record<string, [number | null, boolean]>>();
  const checkpoints = new Map<number, number>();
  const archive = watchArchive({ broker, oracle, keeping, covered, checkpoints, wrong });

  const onOrder = ({ subject, data }: Stored): void => {
    if (orders.has(subject)) wrong(`${names.streams.orders} holds "${subject}" twice`);
    orders.add(subject);
    const task = oracle.tasks.get(subject.split('.')[3] ?? '');
    const owed = task?.orders.get(subject)?.effect;
    if (owed?.kind !== 'order') return wrong(`the order ${subject} was stored, and does not follow from the log`);
    const { lease: _, report_to: __, ...order } = JSON.parse(textOf(data)) as Record<string, unknown>;
    if (JSON.stringify(order) !== JSON.stringify(owed.order))
      wrong(`the order ${subject} is ${JSON.stringify(order)}, and by the log ${JSON.stringify(owed.order)}`);
  };

  const shelf = { orders, letters, asked };
  const isStored = (followed: Followed, owed: Owed): boolean => isOnShelf(broker, oracle, shelf, followed, owed);

  /** Everything that follows from events up to a snapshot is stored before it; `mayWait` is what its own words still bring about. */
  const mustBeSaid = (followed: Followed, seq: number, mayWait: (owed: Owed) => boolean): void => {
    const open = (waiting.get(followed.id) ?? []).filter((owed) => !isStored(followed, owed));
    let at = checkedTo.get(followed.id) ?? 0;
    for (let owed = followed.owed[at]; owed !== undefined && owed.seq <= seq; owed = followed.owed[(at += 1)])
      if (!isStored(followed, owed)) open.push(owed);
    checkedTo.set(followed.id, at);
    waiting.set(followed.id, open);
    for (const owed of open)
      if (!mayWait(owed))
        wrong(
          `the snapshot of ${followed.id} at ${seq} was stored before what follows from ${owed.seq}: ${nameOf(owed)}`,
        );
  };

  const cover = (id: string, seq: number): void => {
    const before = covered.get(id) ?? 0;
    if (seq < before) wrong(`a snapshot of ${id} at ${seq} was written over the one at ${before}`);
    covered.set(id, seq);
  };

  const onHead = (id: string, text: string): void => {
    const task = oracle.tasks.get(id);
    const { view, ...record } = JSON.parse(text) as TaskRecord & { view?: { owed?: boolean } };
    const version = task?.versions.findLast(({ seq }) => seq === record.seq);
    if (task === undefined || version === undefined)
      return wrong(`a snapshot of ${id} is at ${record.seq}, where the log has no event of it`);
    cover(id, record.seq);
    const [stored, want] = [JSON.stringify(record), headOf(version.state)];
    if (stored !== want) wrong(`the snapshot of ${id} is not what the log says:\n  stored ${stored}\n  log    ${want}`);
    record.steps_in?.forEach((key, page) => {
      const entry = broker.streams.get(`KV_${names.buckets.tasks}`)?.newest(`$KV.${names.buckets.tasks}.${key}`);
      if (entry === undefined || textOf(entry.data) !== JSON.stringify(pageOf(version.state, page)))
        wrong(`page ${page} of ${id} is not what the log says at ${record.seq}`);
    });
    // Orders that wait for their turn: the snapshot says that there are some, and whoever loads it orders what runs.
    const running = view?.owed === true ? new Set(owedOrders(version.state).map(orderIn)) : new Set<string>();
    mustBeSaid(task, record.seq, ({ effect }) => effect.kind === 'order' && running.has(orderIn(effect)));
  };

  const onActor = (text: string): void => {
    const { id, seq } = JSON.parse(text) as { id: string; seq: number };
    const actor = oracle.actors.get(id);
    const version = actor?.versions.findLast((one) => one.seq === seq);
    if (actor === undefined || version === undefined)
      return wrong(`a snapshot of ${id} is at ${seq}, where the log has no event of it`);
    cover(id, seq);
    const want = JSON.stringify({ v: 1, id, ...version });
    if (text !== want) wrong(`the snapshot of ${id} is not what the log says:\n  stored ${text}\n  log    ${want}`);
    mustBeSaid(actor, seq, () => false);
  };

  const onCheckpoint = (partition: number, { seq }: { readonly seq: number }): void => {
    const before = checkpoints.get(partition) ?? 0;
    if (seq < before) wrong(`the checkpoint of partition ${partition} went back from ${before} to ${seq}`);
    checkpoints.set(partition, seq);
    for (const followed of [...oracle.tasks.values(), ...oracle.actors.values()]) {
      if (followed.partition !== partition) continue;
      const last = followed.versions.findLast((version) => version.seq <= seq)?.seq ?? 0;
      const to = covered.get(followed.id) ?? 0;
      if (last > to)
        wrong(
          `the checkpoint of partition ${partition} is ${seq}; ${followed.id} is stored up to ${to}, and has an event at ${last}`,
        );
      // What comes after the checkpoint is read again, and brings its task up.
      else if (to > 0 && to <= seq && oracle.tasks.has(followed.id)) mustBeListed(followed as FollowedTask, to);
    }
  };

  /** Nobody who takes the partition over would know otherwise that the task waits for something. */
  const mustBeListed = (task: FollowedTask, to: number): void => {
    const state = task.versions.findLast(({ seq }) => seq === to)?.state;
    if (state === undefined || (taskEnded(state.status) && state.errands === 0)) return;
    const next = nextDue(state);
    const listed = [...open.values()].find((page) => page[task.id] !== undefined)?.[task.id];
    // Whose orders have not all left is brought up at once as well.
    if (listed === undefined || listed[0] !== next.due || (next.routing && !listed[1]))
      wrong(
        `${task.id} waits for ${JSON.stringify(next)}, and is on the list of open tasks as ${JSON.stringify(listed)}`,
      );
  };

  const onTaskKey = (message: Stored): void => {
    const key = message.subject.slice(`$KV.${names.buckets.tasks}.`.length);
    const [first = '', partition = ''] = key.split('.');
    const text = textOf(message.data);
    archive.onKey(key, text);
    if (message.data.length === 0) return;
    if (first === '_open') open.set(key, JSON.parse(text));
    else if (first === '_checkpoint') onCheckpoint(Number(partition), JSON.parse(text) as { seq: number });
    else if (first === '_actor') onActor(text);
    else if (!key.includes('.')) onHead(key, text);
  };

  const onAsked = ({ subject, data }: Stored): void => {
    if (data.length === 0) return onForgotten(subject);
    const { id, status } = JSON.parse(textOf(data)) as Intervention;
    const before = asked.get(id);
    if (status === 'pending' && before !== undefined) wrong(`${id} was ${before} in the inbox, and is asked again`);
    asked.set(id, status);
  };

  /** What was asked goes with its task, and not before. */
  const onForgotten = (subject: string): void => {
    const id = subject.slice(`$KV.${names.buckets.inbox}.`.length);
    const asker = [...oracle.tasks.values()].find((task) =>
      task.owed.some(({ effect }) => effect.kind === 'ask' && effect.intervention.id === id),
    );
    if (asker !== undefined && asker.archived === null) wrong(`${id} left the inbox, and ${asker.id} is kept`);
  };

  const follow = (name: string, on: (message: Stored) => void): void => {
    const stream = broker.streams.get(name);
    if (stream === undefined) throw new Error(`there is no stream ${name}`);
    let seen = stream.last;
    stream.listeners.add(() => {
      while (seen < stream.last) {
        seen += 1;
        const message = stream.at(seen);
        if (message !== undefined) on(message);
      }
    });
  };
  /** An order may go once it is done, and once nobody who starts from a checkpoint decides it again. */
  broker.streams.get(names.streams.orders)?.onRemove.add(({ subject, seq }) => {
    const [, , queue = '', id = ''] = subject.split('.');
    const task = oracle.tasks.get(id);
    const cause = task?.orders.get(subject)?.seq;
    const floor = broker.queues.get(`${names.streams.orders}/${queue}`)?.floor ?? 0;
    if (floor < seq) wrong(`the order ${subject} was purged before it was done`);
    if (task !== undefined && cause !== undefined && (checkpoints.get(task.partition) ?? 0) < cause)
      wrong(`the order ${subject} was purged, and whoever starts from the checkpoint will say it again`);
  });
  const subjects = new Set<string>();
  // What was purged may be said again, by somebody who was frozen for long: it is about a task that is archived.
  broker.streams.get(names.streams.events)?.onRemove.add(({ subject }) => void subjects.delete(subject));
  follow(names.streams.events, (message) => {
    if (subjects.has(message.subject)) wrong(`${names.streams.events} holds "${message.subject}" twice`);
    subjects.add(message.subject);
    oracle.hear(message);
  });
  follow(names.streams.orders, onOrder);
  follow(names.streams.dlq, ({ subject }) => void letters.add(subject));
  follow(`KV_${names.buckets.tasks}`, onTaskKey);
  follow(`KV_${names.buckets.inbox}`, onAsked);

  return { covered, orders, archive, isStored };
};

export const headOf = (state: TaskState): string =>
  JSON.stringify(recordOf(state, { whole: false, pageKey: (page) => pageKey(state.taskId, page) }));

const orderIn = (effect: Effect): string =>
  effect.kind === 'order' ? `${effect.order.step_id} ${effect.order.attempt}` : '';

const nameOf = ({ effect }: Owed): string => {
  switch (effect.kind) {
    case 'order':
      return `the order ${effect.order.step_id}.${effect.order.attempt}`;
    case 'bury':
      return `the dead letter of ${effect.step}.${effect.attempt}`;
    case 'ask':
      return `${effect.intervention.id} as ${effect.intervention.status}`;
    case 'keep':
      return effect.ref;
    default:
      return JSON.stringify(effect);
  }
};
