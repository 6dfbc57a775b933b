// Tasks as they stand: asked of whoever owns them, since only the owner knows what is not stored yet.
import { decodeTrusted, type Entry, isBusError, partitionOf, textOf } from '@capstan/bus';
import { type CommandBody, limits, type TaskRecord } from '@capstan/contracts';
import { decide, recordOf } from '@capstan/engine';
import { objectRef } from './doors/plan-ref.ts';
import type { Ownership } from './ownership.ts';
import type { Turnstile } from './turnstile.ts';
import type { World } from './world.ts';

export interface Tasks {
  /** The task as it is now; with `seq`, as it is once that event has been decided. */
  read(task: string, seq?: number): Promise<TaskRecord | null>;
  /** Why a command would change nothing just now, as the engine has it; null where it would, or where nobody can tell. */
  objection(task: string, command: CommandBody): Promise<string | null>;
  /** Every task, newest first, as the bucket has them. */
  list(): Promise<TaskRecord[]>;
  /** What the owner answers to others. */
  answer(data: Uint8Array): Promise<string>;
}

interface Asked {
  readonly task_id: string;
  readonly seq?: number;
  readonly command?: CommandBody;
}

const patienceMs = 5_000;

export const tasks = (world: World, ownership: Ownership, turnstile: Turnstile): Tasks => {
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
    const state = await partition.read(task);
    return state === null ? null : withTurns(turnstile, publicRecord(recordOf(state, { whole: true })));
  };

  /** Asked of the engine itself, by deciding what is never applied. */
  const ownObjection = async (task: string, body: CommandBody): Promise<string | null | undefined> => {
    const partition = ownership.of(partitionOf(task, world.partitions));
    const state = partition === undefined ? undefined : await partition.read(task);
    if (state === undefined || state === null) return state;
    return decide(state, { kind: 'commanded', id: 'supposed', seq: state.seq + 1, at: world.clock.now(), body })
      .ignored;
  };

  const stored = async (task: string): Promise<TaskRecord | null> => {
    const entry = await store.get(task);
    if (entry === null || entry.gone) return null;
    const record = JSON.parse(textOf(entry.data)) as TaskRecord;
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
      const wire = await bus.ask(
        names.owner(partitionOf(task, world.partitions)),
        JSON.stringify({ task_id: task, ...(seq === undefined ? {} : { seq }) } satisfies Asked),
      );
      const { found, elsewhere } = decodeTrusted(wire.data) as { found?: TaskRecord | null; elsewhere?: string };
      if (elsewhere !== undefined) return await fetchWhole(world, elsewhere);
      if (found !== undefined) return found;
    } catch (error) {
      // Between two owners nobody answers; what is stored is at most half a second old.
      if (!isBusError(error, 'unavailable')) throw error;
    }
    return stored(task);
  };

  return {
    read,
    objection: async (task, command) => {
      const mine = await ownObjection(task, command);
      if (mine !== undefined) return mine;
      try {
        const asked: Asked = { task_id: task, command };
        const wire = await bus.ask(names.owner(partitionOf(task, world.partitions)), JSON.stringify(asked));
        return (decodeTrusted(wire.data) as { objection?: string | null }).objection ?? null;
      } catch (error) {
        if (!isBusError(error, 'unavailable')) throw error;
        return null;
      }
    },
    answer: async (data) => {
      const { task_id: task, seq, command } = decodeTrusted(data) as Asked;
      if (command !== undefined) return JSON.stringify({ objection: (await ownObjection(task, command)) ?? null });
      const found = await own(task, seq);
      if (found === undefined) return '{}';
      return fit(world, task, JSON.stringify({ found }), (ref) => JSON.stringify({ elsewhere: ref }));
    },
    list: async () => {
      const found: TaskRecord[] = [];
      let ready: () => void = () => {};
      const all = new Promise<void>((resolve) => (ready = resolve));
      const watching = await store.watch((entry) => {
        // Ids of tasks have no dot; other keys are pages, checkpoints and settings.
        const record = entry.gone || entry.key.includes('.') ? null : recordIn(entry);
        if (record !== null) found.push(record);
      }, ready);
      await all;
      await watching.stop();
      return found
        .map(publicRecord)
        .toSorted((a, b) =>
          a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : a.task_id < b.task_id ? -1 : 1,
        );
    },
  };
};

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
const publicRecord = (record: TaskRecord & { engine?: unknown; view?: unknown }): TaskRecord => {
  const { engine: _, steps_in: __, view: ____, steps, ...rest } = record;
  const shown = Object.fromEntries(Object.entries(steps).map(([id, { engine: ___, ...step }]) => [id, step]));
  return { ...rest, steps: shown } as TaskRecord;
};

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
