// Everything that was ever said to a task, as the log has it, and what its beginning names instead of holding. Asks no coordinator: whoever
// replays wants to know what is stored, not what a process believes.
import {
  type Bus,
  decode,
  decodeTrusted,
  type KeyRing,
  type Message,
  openArchive,
  partitionOf,
  textOf,
  wholeHistory,
} from '@capstan/bus';
import {
  type Event,
  limits,
  type Plan,
  plan as planSchema,
  quarantine as quarantineSchema,
  type Settings,
  settings as settingsSchema,
  type SubmittedBody,
} from '@capstan/contracts';
import { CommandError, exits } from '../exit.ts';

/** In the order of the log; of a task whose events are purged, as the archive has them. */
export const messagesOf = async (bus: Bus, task: string): Promise<Message[]> => {
  const messages: Message[] = [];
  let done: () => void = () => {};
  const idle = new Promise<void>((resolve) => (done = resolve));
  const reading = await bus.log(bus.names.streams.events).read({
    subjects: [bus.names.eventsOfTask(partitionOf(task, limits.partitions), task)],
    after: 0,
    on: (message) => void messages.push(message),
    onIdle: () => done(),
  });
  await idle;
  await reading.stop();
  return [...(await wholeHistory(messages, () => openArchive(bus).find(task)))];
};

/** The events that were left out when it was released from quarantine. */
export const skippedOf = async (bus: Bus, task: string): Promise<ReadonlySet<number>> => {
  const key = bus.names.quarantine(partitionOf(task, limits.partitions), task);
  const entry = await bus.store(bus.names.buckets.tasks).get(key);
  const record = entry === null || entry.gone ? null : quarantineSchema.safeParse(JSON.parse(textOf(entry.data)));
  return new Set(record?.success === true ? record.data.skipped : []);
};

/** Without keys nobody can tell what is genuine, and everything counts as that. */
export const isGenuine = (ring: KeyRing | null, key: string, { subject }: Message): boolean => {
  const dot = subject.lastIndexOf('.');
  return ring === null || ring.check(key, subject.slice(0, dot), subject.slice(dot + 1));
};

/** The body of a `submitted`; null for what is none. */
export const submittedIn = (message: Message): SubmittedBody | null => {
  const decoded = decode(message.data, { bytesMax: 2 * limits.bodyBytesMax, depthMax: limits.jsonDepthMax + 8 });
  return decoded.ok && typeof decoded.value['key'] === 'string' ? (decoded.value as unknown as SubmittedBody) : null;
};

/** The event that began the task, with its settings and its plan. */
export const beginningOf = async (
  bus: Bus,
  taskId: string,
  { seq, at }: Message,
  body: SubmittedBody,
): Promise<Event> => {
  const plan = body.plan_ref === undefined ? (body.plan ?? null) : await planAt(bus, body.plan_ref.ref);
  return {
    kind: 'submitted',
    seq,
    at,
    taskId,
    request: body.request,
    plan,
    planHash: plan === null ? null : body.hash,
    settings: await settingsAt(bus, body.settings),
    routes: body.routes,
    body,
  };
};

const settingsAt = async (bus: Bus, hash: string): Promise<Settings> => {
  const entry = await bus.store(bus.names.buckets.tasks).get(`_settings.${hash}`);
  if (entry === null) throw missing(`The settings ${hash} that the task was submitted under`);
  return settingsSchema.parse(JSON.parse(textOf(entry.data)));
};

const planAt = async (bus: Bus, ref: string): Promise<Plan> => {
  const bucket = bus.names.buckets.artifacts;
  const bytes = ref.startsWith(`${bucket}/`) ? await bus.objects(bucket).get(ref.slice(bucket.length + 1)) : null;
  if (bytes === null) throw missing(`The plan ${ref} that the task was submitted with`);
  return planSchema.parse(decodeTrusted(bytes));
};

const missing = (what: string): CommandError =>
  new CommandError(exits.failed, `${what} is not stored any more, so the task can't be decided anew.`, {
    code: 'gone',
    hint: 'Was it removed by hand, or is this another installation?',
  });
