// The log read from its beginning and decided anew, by the engine alone and without any coordinator: what every snapshot, order and dead letter
// must be equal to.
import {
  type Bus,
  decode,
  decodeAny,
  decodeTrusted,
  type KeyRing,
  type Message,
  openKeyRing,
  textOf,
} from '@capstan/bus';
import {
  actorKindOf,
  type Effect,
  type Event,
  limits,
  type Names,
  parseEventSubject,
  plan as planSchema,
  settings as settingsSchema,
  type SubmittedBody,
} from '@capstan/contracts';
import { decide, eventOf as readEvent, type TaskState } from '@capstan/engine';

export interface Replayed {
  readonly id: string;
  readonly key: string;
  state: TaskState;
  readonly effects: Effect[];
  /** By `step.attempt`: orders that were taken back before they left, as a report in Capstan's own name says. */
  readonly withdrawn: Set<string>;
  /** By `step.attempt`: how many reports counted, and how many genuine ones there were. */
  readonly applied: Map<string, number>;
  readonly reported: Map<string, number>;
  readonly ignored: { readonly seq: number; readonly kind: string; readonly why: string }[];
}

export interface Replay {
  readonly tasks: ReadonlyMap<string, Replayed>;
  readonly ring: KeyRing;
  /** Sequences of events with a wrong token, of no task, and of genuine ones that say nothing. */
  readonly forged: readonly number[];
  readonly orphaned: readonly number[];
  readonly invalid: readonly number[];
  readonly events: number;
}

export const replay = async (bus: Bus): Promise<Replay> => {
  const ring = await openKeyRing(bus);
  const tasks = new Map<string, Replayed>();
  const forged: number[] = [];
  const orphaned: number[] = [];
  const invalid: number[] = [];
  const messages = await readAll(bus, bus.names.streams.events);
  for (const message of messages) {
    const said = parseEventSubject(bus.names, message.subject);
    // Actors besides tasks speak to tasks by events of those, and nothing of a task follows from theirs.
    if (said === null || actorKindOf(said.task) !== null) continue;
    const known = tasks.get(said.task);
    const isGenuine = (key: string) =>
      ring.check(key, message.subject.slice(0, message.subject.length - said.token.length - 1), said.token);
    const at = { seq: message.seq, at: message.at };
    if (said.kind === 'submitted') {
      const body = submittedIn(message);
      if (body === null || !isGenuine(body.key)) forged.push(message.seq);
      else if (known === undefined)
        tasks.set(said.task, begin(said.task, body, decide(null, await submittedEvent(bus, said.task, body, at))));
      continue;
    }
    if (known === undefined) {
      orphaned.push(message.seq);
      continue;
    }
    if (!isGenuine(known.key)) {
      forged.push(message.seq);
      continue;
    }
    const event = eventOf(bus.names, said, message);
    if (event === null) {
      invalid.push(message.seq);
      continue;
    }
    const { state, effects, ignored } = decide(known.state, event);
    known.state = state as TaskState;
    known.effects.push(...effects);
    if (ignored !== null) known.ignored.push({ seq: message.seq, kind: said.kind, why: ignored });
    if (event.kind === 'report') {
      const name = `${event.step}.${event.attempt}`;
      if (event.report.agent === 'capstan') known.withdrawn.add(name);
      known.reported.set(name, (known.reported.get(name) ?? 0) + 1);
      if (ignored === null) known.applied.set(name, (known.applied.get(name) ?? 0) + 1);
    }
  }
  await ring.stop();
  return { tasks, ring, forged, orphaned, invalid, events: messages.length };
};

/** Everything that a stream holds just now. */
export const readAll = async (bus: Bus, stream: string): Promise<Message[]> => {
  const messages: Message[] = [];
  let done: () => void = () => {};
  const idle = new Promise<void>((resolve) => (done = resolve));
  const reading = await bus
    .log(stream)
    .read({ after: 0, on: (message) => void messages.push(message), onIdle: () => done() });
  await idle;
  await reading.stop();
  return messages;
};

const begin = (id: string, body: SubmittedBody, { state, effects }: ReturnType<typeof decide>): Replayed => ({
  id,
  key: body.key,
  state: state as TaskState,
  effects: [...effects],
  withdrawn: new Set(),
  applied: new Map(),
  reported: new Map(),
  ignored: [],
});

const submittedIn = (message: Message): SubmittedBody | null => {
  const decoded = decodeAny(message.data, { bytesMax: 2 * limits.bodyBytesMax, depthMax: limits.jsonDepthMax + 8 });
  const body = decoded.ok ? (decoded.value as SubmittedBody | null) : null;
  return typeof body?.key === 'string' ? body : null;
};

const submittedEvent = async (
  bus: Bus,
  taskId: string,
  body: SubmittedBody,
  at: { seq: number; at: number },
): Promise<Event> => {
  const settings = await bus.store(bus.names.buckets.tasks).get(`_settings.${body.settings}`);
  const bytes =
    body.plan_ref === undefined
      ? null
      : await bus
          .objects(bus.names.buckets.artifacts)
          .get(body.plan_ref.ref.slice(bus.names.buckets.artifacts.length + 1));
  const plan = bytes === null ? (body.plan ?? null) : planSchema.parse(decodeTrusted(bytes));
  return {
    ...at,
    kind: 'submitted',
    taskId,
    request: body.request,
    plan,
    planHash: plan === null ? null : body.hash,
    settings: settingsSchema.parse(JSON.parse(textOf(settings?.data ?? new Uint8Array()))),
    routes: body.routes,
    body,
  };
};

type Said = NonNullable<ReturnType<typeof parseEventSubject>>;

/** Null for a report that says nothing; all else was said by a coordinator. */
const eventOf = (names: Names, { task, kind, name }: Said, { seq, at, data }: Message): Event | null => {
  const decoded = decode(data);
  if (kind === 'report' && !decoded.ok) return null;
  const body = decoded.ok ? decoded.value : decodeTrusted(data);
  const event = readEvent(names, { task, kind, name, seq, at, body, bytes: data.length });
  return typeof event === 'string' ? null : event;
};
