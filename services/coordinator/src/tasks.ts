// Tasks as they stand: asked of whoever owns them, since only the owner knows what is not stored yet.
import { decodeTrusted, type Entry, isBusError, partitionOf, textOf } from '@capstan/bus';
import { type ApiError, type CommandBody, limits, type Quarantine, type TaskRecord } from '@capstan/contracts';
import { decide, recordOf, type TaskState } from '@capstan/engine';
import { NewerRules } from './ahead.ts';
import { objectRef } from './doors/plan-ref.ts';
import { Refusal } from './doors/refusal.ts';
import type { Everywhere, ListAsked } from './lists/everywhere.ts';
import type { Ownership } from './ownership.ts';
import type { Partition } from './owned.ts';
import type { Release } from './quarantine.ts';
import type { Turnstile } from './turnstile.ts';
import type { World } from './world.ts';

export interface Tasks {
  /** The task as it is now; with `seq`, as it is once that event has been decided. */
  read(task: string, seq?: number): Promise<TaskRecord | null>;
  /** Why a command would change nothing just now, as the engine has it; null where it would, or where nobody can tell. */
  objection(task: string, command: CommandBody): Promise<string | null>;
  /** Lets a task go on that stands still. Resolves with why it stands still again, where it does. */
  readmit(task: string, release: Release): Promise<Quarantine | null>;
  /** As the bucket has it, for a list; null where it has none. The steps of a very large plan are left out. */
  shown(task: string): Promise<TaskRecord | null>;
  /** What the owner answers to others. */
  answer(data: Uint8Array): Promise<string>;
}

interface Asked {
  /** Of a list that somebody puts together; all else is about one task. */
  readonly list?: ListAsked;
  readonly task_id: string;
  readonly seq?: number;
  readonly command?: CommandBody;
  readonly release?: Release;
}

interface Answered {
  readonly found?: TaskRecord | null;
  /** The whole is in the object store. */
  readonly elsewhere?: string;
  readonly objection?: string | null;
  readonly still?: Quarantine | null;
  readonly refused?: ApiError['error'];
}

const patienceMs = 5_000;
const askMs = 1_000;

export const tasks = (world: World, ownership: Ownership, turnstile: Turnstile, lists: Everywhere): Tasks => {
  const { bus, names } = world;
  const store = bus.store(names.buckets.tasks);

  const own = async (task: string, seq: number | undefined): Promise<TaskRecord | null | undefined> => {
    const partition = ownership.of(partitionOf(task, world.partitions));
    if (partition === undefined) return undefined;
    if (seq !== undefined)
      await Promise.race([
        partition.reached(seq),
        new Promise<void>((resolve) => void world.clock.later(patienceMs, resolve)),
      ]);
    const state = await readable(partition, task);
    if (state === null) return null;
    const record = withTurns(turnstile, publicRecord(recordOf(state, { whole: true })));
    const quarantine = partition.quarantineOf(task);
    return quarantine === null ? record : ({ ...record, quarantine } as TaskRecord);
  };

  /** An owner that died took the question with it: the next one is asked again, soon enough for whoever waits for the answer. */
  const askOwner = async (task: string, asked: Asked) => {
    const [subject, data] = [names.owner(partitionOf(task, world.partitions)), JSON.stringify(asked)];
    if (asked.seq !== undefined) return bus.ask(subject, data);
    try {
      return await bus.ask(subject, data, askMs);
    } catch (error) {
      if (!isBusError(error, 'unavailable')) throw error;
      return bus.ask(subject, data, askMs);
    }
  };

  /** Asked of the engine itself, by deciding what is never applied. */
  const ownObjection = async (task: string, body: CommandBody): Promise<string | null | undefined> => {
    const partition = ownership.of(partitionOf(task, world.partitions));
    const state = partition === undefined ? undefined : await readable(partition, task);
    if (state === undefined || state === null) return state;
    return decide(state, { kind: 'commanded', id: 'supposed', seq: state.seq + 1, at: world.clock.now(), body })
      .ignored;
  };

  const stored = async (task: string): Promise<TaskRecord | null> => {
    const entry = await store.get(task);
    if (entry === null || entry.gone) return null;
    const record = recordIn(entry);
    if (record === null) throw unreadable(task, 'its snapshot can not be read');
    const pages = await Promise.all((record.steps_in ?? []).map((key) => store.get(key)));
    const steps = Object.assign(
      {},
      record.steps,
      ...pages.map((page) => (page === null ? {} : JSON.parse(textOf(page.data)))),
    );
    return publicRecord({ ...record, steps });
  };

  const read = async (task: string, seq?: number): Promise<TaskRecord | null> => {
    const mine = await own(task, seq);
    if (mine !== undefined) return mine;
    try {
      const wire = await askOwner(task, { task_id: task, ...(seq === undefined ? {} : { seq }) });
      const { found, elsewhere } = answered(wire.data);
      if (elsewhere !== undefined) return await fetchWhole(world, elsewhere);
      if (found !== undefined) return found;
    } catch (error) {
      // Between two owners nobody answers; what is stored is at most half a second old.
      if (!isBusError(error, 'unavailable')) throw error;
    }
    return stored(task);
  };

  const answer = async ({ task_id: task, seq, command, release }: Asked): Promise<string> => {
    if (command !== undefined)
      return JSON.stringify({ objection: (await ownObjection(task, command)) ?? null } satisfies Answered);
    if (release !== undefined) {
      const partition = ownership.of(partitionOf(task, world.partitions));
      return partition === undefined ? '{}' : JSON.stringify({ still: await partition.readmit(task, release) });
    }
    const found = await own(task, seq);
    if (found === undefined) return '{}';
    return fit(world, task, JSON.stringify({ found } satisfies Answered), (ref) => JSON.stringify({ elsewhere: ref }));
  };

  return {
    read,
    objection: async (task, command) => {
      const mine = await ownObjection(task, command);
      if (mine !== undefined) return mine;
      try {
        const asked: Asked = { task_id: task, command };
        const wire = await askOwner(task, asked);
        return answered(wire.data).objection ?? null;
      } catch (error) {
        if (!isBusError(error, 'unavailable')) throw error;
        return null;
      }
    },
    readmit: async (task, release) => {
      const partition = ownership.of(partitionOf(task, world.partitions));
      if (partition !== undefined) return partition.readmit(task, release);
      const asked: Asked = { task_id: task, release };
      const wire = await bus.ask(names.owner(partitionOf(task, world.partitions)), JSON.stringify(asked), readmitMs);
      return answered(wire.data).still ?? null;
    },
    answer: async (data) => {
      try {
        const asked = decodeTrusted(data) as Asked;
        return asked.list === undefined ? await answer(asked) : JSON.stringify({ listed: await lists.own(asked.list) });
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return JSON.stringify({ refused: error.body.error } satisfies Answered);
      }
    },
    shown: async (id) => {
      const entry = await store.get(id);
      const record = entry === null || entry.gone ? null : recordIn(entry);
      return record === null ? null : publicRecord(record);
    },
  };
};

const answered = (data: Uint8Array): Answered => {
  const answer = decodeTrusted(data) as Answered;
  const { refused } = answer;
  if (refused === undefined) return answer;
  throw new Refusal(refused.code, refused.message, refused.hint === undefined ? {} : { hint: refused.hint });
};

/** What its owner knows of it; throws where that can't be told because it stands still. */
const readable = async (partition: Partition, task: string): Promise<TaskState | null> => {
  let state: TaskState | null = null;
  let problem = '';
  try {
    state = await partition.read(task);
  } catch (error) {
    if (error instanceof NewerRules)
      throw new Refusal('unavailable', `Nobody is here who may decide: ${error.message}.`, {
        hint: 'Ask again while a coordinator of the version is there that took it in.',
      });
    problem = String(error);
  }
  const quarantine = partition.quarantineOf(task);
  if (state === null && (quarantine !== null || problem !== '')) throw unreadable(task, quarantine?.error ?? problem);
  return state;
};

const unreadable = (task: string, why: string): Refusal =>
  new Refusal('unavailable', `Task "${task}" is quarantined: ${why}`, {
    hint: `capstan replay ${task} shows what its log holds; capstan quarantine release ${task} builds it anew from that.`,
  });

/** A task is built anew event by event. */
const readmitMs = 60_000;

/** Null for what somebody else put into the bucket. */
const recordIn = ({ key, data }: Entry): TaskRecord | null => {
  try {
    const record = JSON.parse(textOf(data)) as TaskRecord | null;
    return record?.task_id === key && typeof record.steps === 'object' ? record : null;
  } catch {
    return null;
  }
};

/** Without what only the engine needs. */
export const publicRecord = (record: TaskRecord & { engine?: unknown; view?: unknown }): TaskRecord => {
  const { engine: _, steps_in: __, view: ____, steps, ...rest } = record;
  const shown = Object.fromEntries(Object.entries(steps).map(([id, { engine: ___, ...step }]) => [id, step]));
  const artifacts = rest.artifacts.length > 0 ? rest.artifacts : artifactsIn(steps);
  return { ...rest, artifacts, steps: shown } as TaskRecord;
};

/** A stored record leaves them to its steps where they are many, or the steps are. */
const artifactsIn = (steps: TaskRecord['steps']): TaskRecord['artifacts'] =>
  Object.entries(steps).flatMap(([id, { engine }]) =>
    ((engine as { artifacts?: TaskRecord['artifacts'] } | undefined)?.artifacts ?? []).map((one) => ({
      ...one,
      step: id,
    })),
  );

/** Orders that have not left wait for their turn, or for a circuit; the state knows nothing of that. */
const withTurns = (turnstile: Turnstile, record: TaskRecord): TaskRecord => {
  const waiting = turnstile.waiting(record.task_id);
  if (waiting === null) return record;
  const steps = { ...record.steps };
  for (const [id, waiting_for] of waiting) {
    const step = steps[id];
    if (step !== undefined) steps[id] = { ...step, waiting_for };
  }
  return { ...record, steps };
};

/** A reply must fit a message: what doesn't goes to the object store, and a reference to it is answered. */
export const fit = async (
  world: World,
  task: string,
  text: string,
  referred: (ref: string) => string,
): Promise<string> => {
  if (Buffer.byteLength(text) <= limits.replyBytesMax) return text;
  const key = `${task}/_whole.json`;
  await world.bus.objects(world.names.buckets.artifacts).put(key, Buffer.from(text));
  return referred(objectRef(world.names, key));
};

const fetchWhole = async (world: World, ref: string): Promise<TaskRecord | null> => {
  const bytes = await world.bus
    .objects(world.names.buckets.artifacts)
    .get(ref.slice(world.names.buckets.artifacts.length + 1));
  return bytes === null ? null : (decodeTrusted(bytes) as { found: TaskRecord | null }).found;
};
