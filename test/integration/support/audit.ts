// After a run: do the streams and buckets say what the log says, no more and no less? Reads what is stored and the log replayed; asks no
// coordinator. Each sentence that it gives back is a law that was broken.
import { type ArchivedTask, type Bus, type Message, partitionOf, sha256, textOf } from '@capstan/bus';
import { dlqHeaders, type Effect, type Intervention, type Names, parseOrderSubject } from '@capstan/contracts';
import { isPagedOut, pageOf, recordOf, taskEnded } from '@capstan/engine';
import { archivedTasks, checkArchived } from './audit-archive.ts';
import { checkLists } from './audit-lists.ts';
import { readAll, type Replay, type Replayed, replay } from './replay.ts';

export interface Audited {
  readonly violations: string[];
  readonly replay: Replay;
}

export interface AuditOptions {
  /** Coordinators were killed so often that they may have blamed an event for it, and put it aside: that follows from no log. */
  readonly killedOften?: boolean;
}

/** Needs quiet: no coordinator that has yet to store what it decided. Of what was accepted, `waiting` waits for a person, and all else has ended. */
export const audit = async (
  bus: Bus,
  accepted: readonly string[],
  waiting: ReadonlySet<string> = new Set(),
  { killedOften = false }: AuditOptions = {},
): Promise<Audited> => {
  const replayed = await replay(bus);
  const violations: string[] = [];
  const say = (text: string) => void violations.push(text);
  for (const id of accepted) {
    const task = replayed.tasks.get(id);
    if (task === undefined) say(`${id} was accepted, and the log knows nothing of it`);
    else if (waiting.has(id)) {
      if (!task.state.status.startsWith('awaiting_'))
        say(`${id} was to wait for a person, and is ${task.state.status}`);
    } else if (!taskEnded(task.state.status)) say(`${id} has not ended: it is ${task.state.status}`);
  }
  const orders = await readAll(bus, bus.names.streams.orders);
  checkOrders(bus.names, replayed, orders, say);
  checkReports(replayed, say);
  checkChildren(replayed, say);
  const archived = await archivedTasks(bus, say);
  await checkSnapshots(bus, replayed, archived, say);
  await checkInbox(bus, replayed, archived, say);
  const letters = (await readAll(bus, bus.names.streams.dlq)).filter((letter) => !killedOften || !blames(bus, letter));
  checkLetters(bus, replayed, orders, letters, say);
  const { messages } = await bus.log(bus.names.streams.tasks).info();
  if (messages > 0) say(`${messages} messages are left in the plain door`);
  return { violations, replay: replayed };
};

const blames = (bus: Bus, letter: Message): boolean =>
  letter.header(dlqHeaders.reason) === 'internal' && letter.header(dlqHeaders.stream) === bus.names.streams.events;

type Say = (text: string) => void;

const effectsOf = <K extends Effect['kind']>(task: Replayed, kind: K) =>
  task.effects.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);

/** Every order that follows from the log is stored, once, word for word; and no other. */
const checkOrders = (names: Names, { tasks, ring }: Replay, orders: readonly Message[], say: Say): void => {
  const stored = new Map<string, Message>();
  for (const order of orders) {
    if (stored.has(order.subject)) say(`the order ${order.subject} is stored twice`);
    stored.set(order.subject, order);
  }
  for (const task of tasks.values()) {
    for (const { queue, order } of effectsOf(task, 'order')) {
      const at = stored.get(names.order(queue, order.task_id, order.step_id, order.attempt));
      if (at === undefined && task.withdrawn.has(`${order.step_id}.${order.attempt}`)) continue;
      if (at === undefined)
        say(`the order ${queue} ${order.task_id}.${order.step_id}.${order.attempt} was decided and is not stored`);
      else {
        const { lease, report_to, ...rest } = JSON.parse(textOf(at.data)) as { lease: string; report_to: string };
        if (JSON.stringify(rest) !== JSON.stringify(order))
          say(`the order ${at.subject} says something else than was decided`);
        if (!ring.check(task.key, report_to.slice(0, -lease.length - 1), lease))
          say(`the order ${at.subject} has a lease that proves nothing`);
        stored.delete(at.subject);
      }
    }
  }
  for (const subject of stored.keys()) say(`the order ${subject} follows from nothing in the log`);
};

/** A report of each attempt counts at most once, and a step that succeeded had one. */
const checkReports = ({ tasks }: Replay, say: Say): void => {
  for (const { id, state, applied, reported } of tasks.values()) {
    for (const [name, times] of applied) if (times !== 1) say(`${times} reports of ${id}.${name} counted`);
    for (const [name, times] of reported) if (times !== 1) say(`${times} reports of ${id}.${name} are stored`);
    for (const [step, record] of Object.entries(recordOf(state, { whole: true }).steps)) {
      const worked = record.attempts.some(({ outcome }) => outcome === 'succeeded');
      if (record.status === 'succeeded' && worked && !applied.has(`${step}.${record.attempt}`))
        say(`${id}.${step} succeeded, and nobody reported attempt ${record.attempt}`);
    }
  }
};

/** Every task that was to do a step was begun, or its step was told that it can't be; and how it ended is known to its parent. */
const checkChildren = ({ tasks }: Replay, say: Say): void => {
  for (const task of tasks.values()) {
    for (const { child, step, attempt } of effectsOf(task, 'spawn'))
      if (!tasks.has(child) && !task.reported.has(`${step}.${attempt}`))
        say(`${child} was to do ${task.id}.${step}.${attempt}, and was never begun`);
    for (const { parent } of effectsOf(task, 'inform'))
      if (!tasks.get(parent.task_id)?.reported.has(`${parent.step_id}.${parent.attempt}`))
        say(`${parent.task_id} was never told how ${task.id} ended`);
  }
};

const checkSnapshots = async (
  bus: Bus,
  { tasks }: Replay,
  archived: ReadonlyMap<string, ArchivedTask>,
  say: Say,
): Promise<void> => {
  const stored = new Map<string, string>();
  // What was removed leaves a mark.
  for (const message of await readAll(bus, `KV_${bus.names.buckets.tasks}`))
    if (message.data.length > 0)
      stored.set(message.subject.slice(`$KV.${bus.names.buckets.tasks}.`.length), textOf(message.data));
  const wanted = new Map<string, string>();
  for (const { id, state } of tasks.values()) {
    const pageKey = (page: number) => `${id}.steps.${page}`;
    const moved = archived.get(id);
    if (moved !== undefined) {
      checkArchived(id, state, moved, say);
      continue;
    }
    wanted.set(id, JSON.stringify(recordOf(state, { whole: false, pageKey })));
    if (isPagedOut(state))
      for (let page = 0; page < state.steps.pages.length; page += 1)
        wanted.set(pageKey(page), JSON.stringify(pageOf(state, page)));
  }
  for (const [key, text] of wanted) {
    const found = stored.get(key);
    if (found === undefined) say(`the bucket has no ${key}`);
    else if (found !== text && withoutView(found) !== text)
      say(`the bucket says of ${key} what the log does not: ${difference(found, text)}`);
    stored.delete(key);
  }
  const open = new Set<string>();
  const passed = new Map<string, number>();
  for (const [key, text] of stored) {
    if (!key.startsWith('_')) say(`the bucket has ${key}, of which the log knows nothing`);
    if (key.startsWith('_checkpoint.')) passed.set(key, (JSON.parse(text) as { seq: number }).seq);
    if (key.startsWith('_open.')) for (const task of Object.keys(JSON.parse(text) as object)) open.add(task);
  }
  // An archived one leaves them when whoever looks next comes by.
  checkLists(
    stored,
    tasks.values(),
    (id) => (archived.has(id) ? 0 : (passed.get(`_checkpoint.${partitionOf(id)}`) ?? 0)),
    say,
  );
  for (const { id, state } of tasks.values()) {
    const isOpen = !taskEnded(state.status) || state.errands > 0;
    // Until the checkpoint passes its events, whoever comes next reads them, and then knows better than the list.
    if ((passed.get(`_checkpoint.${partitionOf(id)}`) ?? 0) < state.seq) continue;
    if (isOpen !== open.has(id))
      say(`${id} is ${state.status}, and is ${isOpen ? 'missing from' : 'still on'} the list of open tasks`);
  }
};

/** A snapshot's `view` holds hints, such as that orders waited for their turn: they do not follow from the log, and nothing follows from them. */
const withoutView = (text: string): string => {
  const { view: _, ...rest } = JSON.parse(text) as Record<string, unknown>;
  return JSON.stringify(rest);
};

const difference = (found: string, wanted: string): string => {
  let at = 0;
  while (at < found.length && found[at] === wanted[at]) at += 1;
  return `"${found.slice(Math.max(0, at - 60), at + 60)}" instead of "${wanted.slice(Math.max(0, at - 60), at + 60)}"`;
};

/** What people are asked is as the log left it. */
const checkInbox = async (
  bus: Bus,
  { tasks }: Replay,
  archived: ReadonlyMap<string, ArchivedTask>,
  say: Say,
): Promise<void> => {
  for (const task of tasks.values()) {
    const last = new Map<string, Intervention>();
    for (const { intervention } of effectsOf(task, 'ask')) last.set(intervention.id, intervention);
    for (const [id, { status }] of last) {
      const entry = await bus.store(bus.names.buckets.inbox).get(id);
      // It goes after its task, and before long.
      if (archived.has(task.id) && (entry === null || entry.gone)) continue;
      const stored = entry === null ? 'missing' : (JSON.parse(textOf(entry.data)) as Intervention).status;
      if (stored !== status) say(`the intervention ${id} of ${task.id} is ${stored}; the log says ${status}`);
    }
  }
};

/** Every step that was given up is a dead letter, once, with the bytes of its order; so is every report that says nothing; and no other step is. */
const checkLetters = (
  bus: Bus,
  { tasks, invalid }: Replay,
  orders: readonly Message[],
  letters: readonly Message[],
  say: Say,
): void => {
  const bytes = new Map(orders.map((order) => [order.subject, order.data]));
  const found = new Map<string, Message>();
  for (const letter of letters) {
    if (
      letter.header(dlqHeaders.marker) !== undefined ||
      letter.subject.startsWith(bus.names.dlq('marker', 'sent', ''))
    )
      continue;
    const stream = letter.header(dlqHeaders.stream);
    const order = parseOrderSubject(bus.names, letter.header(dlqHeaders.subject) ?? '');
    const name =
      order !== null ? `${order.task}.${order.step}.${order.attempt}` : `${stream} ${letter.header(dlqHeaders.seq)}`;
    if (found.has(name)) say(`there are two dead letters of ${name}`);
    found.set(name, letter);
    if (letter.header(dlqHeaders.ref) === undefined && letter.header(dlqHeaders.sha256) !== sha256(letter.data))
      say(`the dead letter of ${name} has other bytes than its hash`);
  }
  for (const task of tasks.values()) {
    for (const { step, attempt, queue, reason } of effectsOf(task, 'bury')) {
      const name = `${task.id}.${step}.${attempt}`;
      const letter = found.get(name);
      if (letter === undefined) say(`${name} was given up, and is no dead letter`);
      else {
        const original = bytes.get(bus.names.order(queue, task.id, step, attempt));
        if (original !== undefined && !Buffer.from(original).equals(letter.data))
          say(`the dead letter of ${name} is not its order`);
        if (letter.header(dlqHeaders.reason) !== reason)
          say(`the dead letter of ${name} says ${letter.header(dlqHeaders.reason)} instead of ${reason}`);
      }
      found.delete(name);
    }
  }
  for (const seq of invalid) {
    const name = `${bus.names.streams.events} ${seq}`;
    if (!found.delete(name)) say(`the event ${seq} says nothing, and is no dead letter`);
  }
  for (const name of found.keys())
    if (!name.startsWith(`${bus.names.streams.tasks} `))
      say(`the dead letter of ${name} follows from nothing in the log`);
};
