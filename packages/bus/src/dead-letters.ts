// What becomes of dead letters: listed, read, redriven once, dropped. Nothing is deleted; markers in the same stream say what became of an entry.
//
// A marker is named `capstan.dlq.marker.<what>.<what>-<id>`, so that no letter can have its name and no look-up of a letter's id finds it:
// `closed` carries the decision (header `Dlq-Marker`: redriven or dropped), `sent` says that a redriven one is on its way.
// * Redriven or dropped is one name, `closed`: whoever is first decides; the other gets `conflict`, or hears that it is so already.
// * Decide, publish, then mark as sent. A crash before the publish leaves `closed` without `sent`, and the next to ask publishes; the other
//   order could publish what is dropped at the same moment. A crash between publish and `sent` makes the next to ask publish again,
//   and the stream refuses it by its `Nats-Msg-Id` within two minutes. After that, the header `Dlq-Redrive` tells the coordinator, which
//   names the task after it where the submission has no id of its own; so there is one task in any case.
// * Whether a step's letter can be sent at all is looked up before `closed`: else it would count as redriven, and neither go on nor be dropped.
// * A step's letter is no message to say again: the caller says the event `redriven.<id>`, which is name-once for as long as the task is kept.
// * Only the plain door is published to: a forged letter could name any subject, and we may publish to more than its author.
import { type DeadLetter, dlqHeaders, dlqReason, type DlqReason } from '@capstan/contracts';
import { unprintable } from './dead-letter.ts';
import { BusError } from './error.ts';
import type { Bus, Message } from './port.ts';

export interface LettersAsked {
  readonly limit?: number | undefined;
  /** Only what is older than this sequence: the `next` of the page before. */
  readonly before?: number | undefined;
  readonly source?: string | undefined;
  readonly reason?: DlqReason | undefined;
  readonly task?: string | undefined;
  readonly state?: DeadLetter['state'] | undefined;
}

/** The newest first. `next` is null at the end. */
export const listLetters = async (
  bus: Bus,
  asked: LettersAsked = {},
): Promise<{ letters: DeadLetter[]; next: number | null }> => {
  const limit = asked.limit ?? 100;
  const log = bus.log(bus.names.streams.dlq);
  const { first, last } = await log.info();
  const letters: DeadLetter[] = [];
  let end = Math.min(asked.before ?? last + 1, last + 1);
  // Streams are read forwards only: in ranges from the end back, each larger, so that the newest page is cheap and a rare reason is found.
  for (let range = 500; end > first && letters.length < limit; range = Math.min(range * 4, 100_000)) {
    const from = Math.max(first, end - range);
    for (const letter of (await between(bus, from, end, asked)).reverse()) {
      if (letters.length >= limit) break;
      if (asked.task !== undefined && letter.task_id !== asked.task) continue;
      const { state } = await stateOf(bus, letter.id);
      if (asked.state === undefined || state === asked.state) letters.push({ ...letter, state });
    }
    end = from;
  }
  const next = letters.length >= limit ? (letters[letters.length - 1] as DeadLetter).seq : null;
  return { letters, next };
};

/** One letter with its bytes; null where there is none. */
export const readLetter = async (
  bus: Bus,
  id: string,
): Promise<{ letter: DeadLetter; data: Uint8Array; headers: Record<string, string> } | null> => {
  const message = idPattern.test(id) ? await bus.log(bus.names.streams.dlq).last(bus.names.dlq('*', '*', id)) : null;
  if (!message) return null;
  const { state } = await stateOf(bus, id);
  const ref = message.header(dlqHeaders.ref);
  const { artifacts } = bus.names.buckets;
  const data = ref?.startsWith(`${artifacts}/`)
    ? await bus.objects(artifacts).get(ref.slice(artifacts.length + 1))
    : message.data;
  if (data === null)
    throw new BusError('corrupt', `The bytes of dead letter ${id} are not in the object store any more.`);
  return { letter: { ...letterOf(message), size: data.length, state }, data, headers: originalsOf(message) };
};

export interface Closed {
  readonly letter: DeadLetter;
  /** It was so already. */
  readonly again: boolean;
}

export interface Redriving {
  readonly by: string;
  /**
   * For a letter of a step: looks whether it can go on at all, and throws where it can't, before anything is decided on the letter. What it
   * gives back says the event; once is enough, more is harmless.
   */
  readonly step: (letter: DeadLetter) => Promise<() => Promise<unknown>>;
}

/** Sends it on its way once more, once however often it is asked. Null where there is no such letter; throws `conflict` where it was dropped. */
export const redrive = async (bus: Bus, id: string, { by, step }: Redriving): Promise<Closed | null> => {
  const found = await readLetter(bus, id);
  if (!found) return null;
  const { letter, data, headers } = found;
  const isStep = letter.task_id !== null && letter.step_id !== null;
  if (!isStep && !isSubmit(bus, letter.subject))
    throw new BusError('conflict', `What came on ${letter.subject} can't be redriven: only submissions and steps can.`);
  if (letter.state === 'dropped') throw decidedAlready(id, letter.state);
  // On its way already: whatever became of its task since is no reason to refuse.
  if ((await stateOf(bus, id)).sent) return { letter: { ...letter, state: 'redriven' }, again: true };
  const send = isStep
    ? await step(letter)
    : () =>
        bus.append({
          subject: letter.subject,
          data,
          headers: { ...headers, [redriveHeader]: id, 'Nats-Msg-Id': `redrive-${id}` },
        });
  const again = await close(bus, id, 'redriven', by);
  if (again && (await stateOf(bus, id)).sent) return { letter: { ...letter, state: 'redriven' }, again };
  await send();
  await bus.once({
    subject: marker(bus, 'sent', id),
    data: '',
    headers: { [dlqHeaders.id]: id, [dlqHeaders.at]: new Date().toISOString() },
  });
  return { letter: { ...letter, state: 'redriven' }, again };
};

/** Nothing more is to be done about it. Null where there is no such letter; throws `conflict` where it was redriven. */
export const drop = async (bus: Bus, id: string, by: string): Promise<Closed | null> => {
  const found = await readLetter(bus, id);
  return found && { again: await close(bus, id, 'dropped', by), letter: { ...found.letter, state: 'dropped' } };
};

/** On a redriven submission: the dead letter that it was. */
export const redriveHeader = 'Dlq-Redrive';

const idPattern = /^[0-9a-f]{20}$/;

const marker = (bus: Bus, what: 'closed' | 'sent', id: string): string =>
  bus.names.dlq('marker', what, `${what}-${id}`);

/** True where it was decided like this before. */
const close = async (bus: Bus, id: string, state: 'redriven' | 'dropped', by: string): Promise<boolean> => {
  const at = new Date().toISOString();
  const headers = { [dlqHeaders.id]: id, [dlqHeaders.marker]: state, [dlqHeaders.at]: at };
  const { again } = await bus.once({
    subject: marker(bus, 'closed', id),
    data: JSON.stringify({ v: 1, id, state, by, at }),
    headers,
  });
  if (!again) return false;
  const decided = await stateOf(bus, id);
  if (decided.state !== state) throw decidedAlready(id, decided.state);
  return true;
};

const decidedAlready = (id: string, state: DeadLetter['state']): BusError =>
  new BusError('conflict', `Dead letter ${id} is ${state} already.`);

const stateOf = async (bus: Bus, id: string): Promise<{ state: DeadLetter['state']; sent: boolean }> => {
  const log = bus.log(bus.names.streams.dlq);
  const [closed, sent] = await Promise.all([log.last(marker(bus, 'closed', id)), log.last(marker(bus, 'sent', id))]);
  const state = closed?.header(dlqHeaders.marker);
  return { state: state === 'redriven' || state === 'dropped' ? state : 'open', sent: sent !== null };
};

const isSubmit = (bus: Bus, subject: string): boolean =>
  subject === bus.names.submit() ||
  (subject.startsWith(`${bus.names.submit()}.`) && /^[^.*>\s]+$/.test(subject.slice(bus.names.submit().length + 1)));

/** Letters of a range of sequences, without their bodies. */
const between = async (
  bus: Bus,
  from: number,
  end: number,
  { source, reason }: LettersAsked,
): Promise<DeadLetter[]> => {
  const found: DeadLetter[] = [];
  let done: () => void = () => {};
  const all = new Promise<void>((resolve) => (done = resolve));
  const reading = await bus.log(bus.names.streams.dlq).read({
    subjects: [bus.names.dlq(source ?? '*', reason ?? '*', '*')],
    after: from - 1,
    headersOnly: true,
    on: (message) => {
      if (message.seq >= end) done();
      else if (idPattern.test(message.subject.slice(message.subject.lastIndexOf('.') + 1)))
        found.push(letterOf(message));
    },
    onIdle: () => done(),
  });
  await all;
  await reading.stop();
  return found;
};

const letterOf = (message: Message): DeadLetter => {
  const header = (name: string): string => unprintable(message.header(name) ?? '');
  const reason = dlqReason.safeParse(header(dlqHeaders.reason));
  const number = (text: string): number | null => (/^\d{1,15}$/.test(text) ? Number(text) : null);
  return {
    id: message.subject.slice(message.subject.lastIndexOf('.') + 1),
    seq: message.seq,
    reason: reason.success ? reason.data : 'internal',
    error: header(dlqHeaders.error),
    source: header(dlqHeaders.source),
    at: header(dlqHeaders.at) || new Date(message.at).toISOString(),
    attempts: number(header(dlqHeaders.attempts)) ?? 1,
    subject: header(dlqHeaders.subject),
    stream: header(dlqHeaders.stream) || null,
    stream_seq: number(header(dlqHeaders.seq)),
    task_id: header(dlqHeaders.task) || null,
    step_id: header(dlqHeaders.step) || null,
    sha256: header(dlqHeaders.sha256),
    hint: header(dlqHeaders.hint),
    size: number(message.header('Nats-Msg-Size') ?? '') ?? message.data.length,
    state: 'open',
  };
};

/** What came with the message, but for what the server or a redrive would obey. */
const originalsOf = (message: Message): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const [name, value] of message.headers()) {
    if (!name.startsWith(dlqHeaders.header)) continue;
    const original = name.slice(dlqHeaders.header.length);
    if (original !== '' && !/^(nats|dlq)-/i.test(original) && /^[\x20-\x7e]*$/.test(unprintable(value)))
      headers[original] = unprintable(value);
  }
  return headers;
};
