// The events of a task decided anew, one after the other, by the engine alone.
import { type Bus, decode, decodeTrusted, type KeyRing, type Message } from '@capstan/bus';
import { type Effect, type Event, parseEventSubject } from '@capstan/contracts';
import { decide, eventOf, type TaskState } from '@capstan/engine';
import { beginningOf, isGenuine, submittedIn } from './history.ts';

/** `applied` changed the task; everything else left it as it was, and `why` says why. */
export type Verdict = 'applied' | 'ignored' | 'forged' | 'invalid' | 'orphaned' | 'skipped' | 'threw';

export interface Entry {
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly name: readonly string[];
  readonly event: Event | null;
  readonly verdict: Verdict;
  readonly why: string | null;
  readonly effects: readonly Effect[];
  /** What the task is after it; null while there is none. */
  readonly state: TaskState | null;
}

export interface Folding {
  readonly bus: Bus;
  readonly task: string;
  readonly ring: KeyRing | null;
  /** Only what comes up to here. */
  readonly until: number;
  /** Events that the coordinator left out when it released the task. */
  readonly skipped: ReadonlySet<number>;
}

export const fold = async (folding: Folding, messages: readonly Message[]): Promise<Entry[]> => {
  const entries: Entry[] = [];
  let state: TaskState | null = null;
  let key: string | null = null;
  for (const message of messages) {
    const said = parseEventSubject(folding.bus.names, message.subject);
    if (said === null || message.seq > folding.until) continue;
    const { seq, at } = message;
    const { kind, name } = said;
    const left = (verdict: Verdict, why: string, event: Event | null = null): Entry => ({
      ...{ seq, at, kind, name, event, verdict, why, effects: [], state },
    });
    const begun: Begun = await beginning(folding, message, kind, key);
    key = begun.key;
    if (begun.refusal !== null) {
      entries.push(left(...begun.refusal));
      continue;
    }
    const event = begun.event ?? readEvent(folding, message, kind, name);
    if (typeof event === 'string') {
      entries.push(left('invalid', event));
      continue;
    }
    if (folding.skipped.has(seq)) {
      entries.push(left('skipped', 'it was left out when the task was released from quarantine', event));
      continue;
    }
    try {
      const decision: ReturnType<typeof decide> = decide(state, event);
      state = decision.state;
      const { ignored: why, effects } = decision;
      entries.push({ seq, at, kind, name, event, verdict: why === null ? 'applied' : 'ignored', why, effects, state });
    } catch (error) {
      entries.push(left('threw', String(error), event));
    }
  }
  return entries;
};

interface Begun {
  /** The key of the task's tokens, once it has begun. */
  readonly key: string | null;
  readonly event: Event | null;
  readonly refusal: readonly [Verdict, string] | null;
}

/** Whether the task has begun, begins with this message, or is not there yet; and whether the message is genuine. */
const beginning = async (
  { bus, task, ring }: Folding,
  message: Message,
  kind: string,
  key: string | null,
): Promise<Begun> => {
  if (kind === 'submitted') {
    const body = submittedIn(message);
    if (body === null || !isGenuine(ring, body.key, message)) return { key, event: null, refusal: wrongToken };
    if (key !== null) return { key, event: null, refusal: ['ignored', 'the task exists already'] };
    return { key: body.key, event: await beginningOf(bus, task, message, body), refusal: null };
  }
  if (key === null) return { key, event: null, refusal: ['orphaned', 'there was no such task yet'] };
  return { key, event: null, refusal: isGenuine(ring, key, message) ? null : wrongToken };
};

const wrongToken = ['forged', 'its token is wrong: whoever said it was not told to'] as const;

const readEvent = (
  { bus, task }: Folding,
  { seq, at, data }: Message,
  kind: string,
  name: readonly string[],
): Event | string => {
  const said = { task, kind, name, seq, at, bytes: data.length };
  if (kind !== 'report') return eventOf(bus.names, { ...said, body: decodeTrusted(data) });
  const decoded = decode(data);
  return decoded.ok ? eventOf(bus.names, { ...said, body: decoded.value }) : `${decoded.reason}: ${decoded.message}`;
};
