// What must be true after a run, read from what is stored: nothing here asks the coordinators. The log is replayed through the engine, and
// every order, every snapshot and every dead letter must be the one that follows from it.
import { type Broker, decodeTrusted, type KeyRing, textOf } from '@capstan/bus';
import {
  dlqHeaders,
  type Effect,
  type Event,
  type Intervention,
  limits,
  parseEventSubject,
  report as reportSchema,
  type Settings,
  type SubmittedBody,
  type TaskRecord,
} from '@capstan/contracts';
import { decide, pageOf, recordOf, taskEnded, type TaskState } from '@capstan/engine';

export interface Audit {
  readonly violations: string[];
  readonly events: number;
  readonly orders: number;
  readonly ended: number;
  readonly waiting: number;
}

interface Stored {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly seq: number;
  readonly at: number;
  readonly headers: readonly (readonly [string, string])[];
}

export interface AuditOptions {
  readonly broker: Broker;
  readonly ring: KeyRing;
  readonly settings: Settings;
  readonly accepted: ReadonlySet<string>;
  readonly ran: ReadonlyMap<string, number>;
}

export const audit = ({ broker, ring, settings, accepted, ran }: AuditOptions): Audit => {
  const { names } = broker;
  const violations: string[] = [];
  const wrong = (text: string): void => void violations.push(text);
  const stored = (stream: string): Stored[] =>
    [...(broker.streams.get(stream)?.all(['>']) ?? [])].map((message) => ({
      subject: message.subject,
      data: message.data,
      seq: message.seq,
      at: message.at,
      headers: message.headers(),
    }));
  const bucket = (name: string): Map<string, string> =>
    new Map(
      stored(`KV_${name}`).map((message) => [message.subject.slice(`$KV.${name}.`.length), textOf(message.data)]),
    );

  // 1. Every name was accepted once.
  for (const stream of [names.streams.events, names.streams.orders, names.streams.dlq]) {
    const seen = new Set<string>();
    for (const { subject } of stored(stream)) {
      if (seen.has(subject)) wrong(`${stream} holds "${subject}" twice`);
      seen.add(subject);
    }
  }

  // 2. The log, replayed.
  const replayed = replay(stored(names.streams.events), names, ring, settings, wrong);

  // 3. Nothing accepted is lost.
  const letters = stored(names.streams.dlq);
  const lettersOf = (task: string): Stored[] =>
    letters.filter(({ headers }) => headers.some(([name, value]) => name === dlqHeaders.task && value === task));
  for (const id of accepted) if (!replayed.has(id)) wrong(`${id} was accepted, and the log does not know it`);

  // 4. Snapshots say what the log says.
  const kept = bucket(names.buckets.tasks);
  for (const [id, { state }] of replayed) {
    const text = kept.get(id);
    if (text === undefined) {
      wrong(`${id} has no snapshot`);
      continue;
    }
    const want = JSON.stringify(recordOf(state, { whole: false, pageKey: (page) => `${id}.steps.${page}` }));
    if (!sameButSeq(text, want))
      wrong(`the snapshot of ${id} is not what the log says:\n  stored ${text}\n  log    ${want}`);
    for (let page = 0; kept.has(`${id}.steps.${page}`); page += 1)
      if (kept.get(`${id}.steps.${page}`) !== JSON.stringify(pageOf(state, page)))
        wrong(`page ${page} of ${id} is not what the log says`);
  }

  // 5. The orders are those that follow from the log: none is missing, none came from nowhere.
  const ordered = new Set(stored(names.streams.orders).map(({ subject }) => subject));
  const due = new Set([...replayed.values()].flatMap(({ orders }) => orders));
  const withdrawn = new Set([...replayed.values()].flatMap((task) => [...task.withdrawn]));
  for (const subject of due)
    if (!ordered.has(subject) && !withdrawn.has(subject))
      wrong(`the order ${subject} follows from the log and was never stored`);
  for (const subject of ordered) if (!due.has(subject)) wrong(`the order ${subject} does not follow from the log`);

  for (const [id, { children }] of replayed)
    for (const child of children)
      if (!replayed.has(child)) wrong(`${child} was to do a step of ${id}, and was never begun`);

  // 6. Every dead letter that was decided is there.
  for (const [id, { buried }] of replayed)
    if (lettersOf(id).length < buried)
      wrong(`${id} has ${lettersOf(id).length} dead letters, and ${buried} follow from the log`);

  // 7. Everything ended, or waits for something that it names.
  let ended = 0;
  let waiting = 0;
  const asked = bucket(names.buckets.inbox);
  for (const [id, { state }] of replayed) {
    const record = recordOf(state, { whole: true });
    if (taskEnded(state.status)) ended += 1;
    else {
      waiting += 1;
      stillWaits(id, record, wrong);
    }
    for (const intervention of record.interventions)
      if (!asked.has(intervention)) wrong(`${id} asked ${intervention}, which is not in the inbox`);
  }
  for (const [id, text] of asked) {
    const item = JSON.parse(text) as Intervention;
    const open = replayed.get(item.task_id)?.state.asks[id] !== undefined;
    if (open !== (item.status === 'pending'))
      wrong(`${id} is ${item.status} in the inbox, and ${open ? 'open' : 'closed'} by the log`);
  }

  // 8. What ran was ordered, and had been ordered by its own task's plan.
  for (const name of ran.keys())
    if (![...ordered].some((subject) => subject.endsWith(`.${name}`)))
      wrong(`the attempt ${name} ran without an order`);

  return { violations, events: stored(names.streams.events).length, orders: ordered.size, ended, waiting };
};

/** A snapshot may be older by events that changed nothing. */
const sameButSeq = (a: string, b: string): boolean => strip(a) === strip(b);
const strip = (text: string): string => {
  const record = JSON.parse(text) as TaskRecord & { engine: { at?: number } };
  return JSON.stringify({ ...record, seq: 0, updated_at: '', engine: { ...record.engine, at: 0 } });
};

const stillWaits = (id: string, record: TaskRecord, wrong: (text: string) => void): void => {
  for (const [name, step] of Object.entries(record.steps)) {
    if (['succeeded', 'failed', 'skipped', 'cancelled', 'pending'].includes(step.status)) continue;
    if (step.waiting_for === null) wrong(`${id}.${name} is ${step.status} and does not say what it waits for`);
    else if (step.status !== 'blocked' && !(step.status === 'ready' && record.status === 'paused'))
      wrong(`${id}.${name} is still ${step.status} (task ${record.status}), waiting for ${step.waiting_for}`);
  }
};

interface Replayed {
  state: TaskState;
  readonly orders: string[];
  readonly withdrawn: Set<string>;
  readonly children: string[];
  buried: number;
}

const replay = (
  messages: readonly Stored[],
  names: Broker['names'],
  ring: KeyRing,
  settings: Settings,
  wrong: (text: string) => void,
): Map<string, Replayed> => {
  const tasks = new Map<string, Replayed & { key: string; approved: Set<string> }>();
  for (const message of messages) {
    const said = parseEventSubject(names, message.subject);
    if (said === null) {
      wrong(`"${message.subject}" is no event`);
      continue;
    }
    const known = tasks.get(said.task);
    const bare = message.subject.slice(0, message.subject.length - said.token.length - 1);
    const body = decodeTrusted(message.data) as Record<string, unknown>;
    if (!ring.check(known?.key ?? String(body['key']), bare, said.token)) continue;
    const event = eventOf(said.kind, said.name, body, message, settings, said.task);
    if (event === null) continue;
    const { state, effects } = decide(known?.state ?? null, event);
    if (state === null) continue;
    const task = known ?? {
      state,
      orders: [],
      withdrawn: new Set<string>(),
      children: [],
      buried: 0,
      key: (body as unknown as SubmittedBody).key,
      approved: new Set<string>(),
    };
    if (event.kind === 'decided' && event.body.decision === 'approve') {
      const ask = task.state.asks[event.id];
      if (ask !== undefined) task.approved.add(`${ask.slot}`);
    }
    // An order that was taken back before it left: a report in Capstan's own name says so.
    if (event.kind === 'report' && event.report.agent === 'capstan')
      task.withdrawn.add(names.order(event.queue, said.task, event.step, event.attempt));
    for (const effect of effects) judge(effect, task, state, said.task, names, wrong);
    task.state = state;
    tasks.set(said.task, task);
  }
  return tasks;
};

const eventOf = (
  kind: string,
  name: readonly string[],
  body: Record<string, unknown>,
  message: Stored,
  settings: Settings,
  task: string,
): Event | null => {
  const at = { seq: message.seq, at: message.at };
  switch (kind) {
    case 'submitted': {
      const said = body as unknown as SubmittedBody;
      return {
        ...at,
        kind,
        taskId: task,
        request: said.request,
        plan: said.plan ?? null,
        planHash: said.plan === undefined ? null : said.hash,
        settings,
        routes: said.routes,
        body: said,
      };
    }
    case 'report': {
      const parsed = reportSchema.safeParse(body);
      return parsed.success
        ? // The simulated agents give nothing that would have to be kept elsewhere.
          { ...at, kind, queue: name[0] ?? '', step: name[1] ?? '', attempt: Number(name[2]), report: parsed.data }
        : null;
    }
    case 'woke':
      return { ...at, kind, n: Number(name[0]), step: body['step'] as string | null };
    case 'routed':
      return { ...at, kind, step: name[0] ?? '', attempt: Number(name[1]), queue: String(body['queue']) };
    case 'unrouted':
      return { ...at, kind, step: name[0] ?? '', attempt: Number(name[1]), reason: String(body['reason']) };
    case 'decided':
      return { ...at, kind, id: name[0] ?? '', body: body as never };
    case 'commanded':
      return { ...at, kind, id: name[0] ?? '', body: body as never };
    case 'told':
      return { ...at, kind, what: name[0] ?? '', name: name.slice(1), body: body as never };
    case 'redriven':
      return { ...at, kind, id: name[0] ?? '', step: String(body['step_id']), by: String(body['by']) };
    default:
      return null;
  }
};

/** The rules of order, looked at from outside the engine. */
const judge = (
  effect: Effect,
  task: Replayed & { approved: Set<string> },
  after: TaskState,
  id: string,
  names: Broker['names'],
  wrong: (text: string) => void,
): void => {
  if (effect.kind === 'bury') task.buried += 1;
  if (effect.kind === 'spawn') task.children.push(effect.child);
  if (effect.kind !== 'order') return;
  const { order, queue } = effect;
  const subject = names.order(queue, id, order.step_id, order.attempt);
  if (task.orders.includes(subject)) wrong(`${subject} is ordered twice by the engine`);
  task.orders.push(subject);
  const record = recordOf(after, { whole: true });
  const spec = after.plan?.steps.find((step) => step.id === order.step_id);
  for (const before of spec?.depends_on ?? []) {
    const status = record.steps[before]?.status;
    if (status !== undefined && status !== 'succeeded' && status !== 'skipped')
      wrong(`${subject} was ordered while ${before} is ${status}`);
  }
  const slot = Object.keys(record.steps).indexOf(order.step_id);
  if ((spec?.risk === 'high' || spec?.risk === 'critical') && !task.approved.has(String(slot)))
    wrong(`${subject} is risky and nobody approved it`);
  const step = record.steps[order.step_id];
  if (step !== undefined && step.attempts.length > limits.attemptsKept)
    wrong(`${subject} keeps ${step.attempts.length} attempts`);
};
