// One installation for one test: a nats-server of its own, coordinators as processes, agents in this one; and a client's view of it all.
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  archivePage,
  connect,
  decodeTrusted,
  type Entry,
  type Message,
  type NatsBus,
  partitionOf,
  prepare,
  textOf,
} from '@capstan/bus';
import { type ServerOptions, startNatsServer, type TestServer } from '@capstan/bus/testing';
import {
  type ApiError,
  isEnded,
  type Names,
  type Submission,
  type Submitted,
  type TaskRecord,
} from '@capstan/contracts';
import { type Agent, type AgentOptions, startAgent, usualWork } from './agent.ts';
import { type CoordinatorProcess, startCoordinator } from './coordinator.ts';
import { seen, Signal, within } from './deadline.ts';

export interface Notice {
  readonly subject: string;
  readonly body: Record<string, unknown>;
}

/** What a request door answered. */
export interface Reply {
  readonly text: string;
  readonly body: Record<string, unknown>;
  readonly error: ApiError['error'] | null;
  /** Of the header `Nats-Service-Error-Code`. */
  readonly status: string | undefined;
}

export interface World extends AsyncDisposable {
  readonly server: TestServer;
  readonly bus: NatsBus;
  readonly names: Names;
  readonly notices: readonly Notice[];
  /** Dead letters so far, without markers. */
  readonly letters: readonly Message[];
  /** The bucket of tasks as its watchers see it. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly coordinators: readonly CoordinatorProcess[];
  lastEvent(): number;
  /** Resolves once these tasks need no event that is in the log to be known again, as far as the bucket shows them. */
  checkpointed(ids: readonly string[], ms?: number): Promise<void>;
  coordinator(options?: { instance?: string; env?: Record<string, string> }): Promise<CoordinatorProcess>;
  agent(options?: Partial<AgentOptions>): Promise<Agent>;
  /** Asks a door such as `task.get`; bytes go as they are. */
  ask(door: string, body: object | Uint8Array | string, ms?: number): Promise<Reply>;
  /** The same, throwing where the answer is an error. */
  api<T = Record<string, unknown>>(door: string, body: object): Promise<T>;
  submit(task: Partial<Submission> & Record<string, unknown>): Promise<Submitted>;
  /** Publishes to the plain door as a request, and gives the sequence that the server answered. */
  plain(body: object | Uint8Array | string, tenant?: string, ms?: number): Promise<number>;
  task(id: string): Promise<TaskRecord>;
  /** The task once something holds of it. */
  until(id: string, what: string, holds: (task: TaskRecord) => boolean, ms?: number): Promise<TaskRecord>;
  ended(id: string, ms?: number): Promise<TaskRecord>;
  /** Resolves once all these have ended, as the bucket tells it; needs no coordinator. */
  allEnded(ids: readonly string[], ms: number): Promise<void>;
  /** Resolves once the plain door holds nothing more. */
  emptied(ms?: number): Promise<void>;
  /** Stops the coordinators as they are meant to be stopped: everything that they decided is stored then. */
  quiet(): Promise<void>;
  letter(what: string, test: (letter: Message) => boolean, ms?: number): Promise<Message>;
  notice(what: string, test: (notice: Notice) => boolean, ms?: number): Promise<Notice>;
  /** Resolves once anything was seen to change, at the latest after a while. */
  changeOr(ms: number): Promise<void>;
  /** Resolves once the log has an event of this sequence. */
  eventAt(seq: number, ms?: number): Promise<void>;
  stored(id: string, what: string, holds: (task: TaskRecord) => boolean, ms?: number): Promise<TaskRecord>;
}

export interface WorldOptions {
  readonly coordinators?: number;
  readonly agent?: boolean;
  readonly server?: ServerOptions;
  /** Instead of one made from `server`: a cluster, or one that somebody else keeps. The world ends it. */
  readonly start?: () => Promise<TestServer>;
  readonly replicas?: number;
  /** YAML of the coordinators' configuration. */
  readonly config?: string;
  /** How long a message may be in somebody's hands unsaid, before somebody else gets it. */
  readonly ackWaitMs?: number | undefined;
}

const patienceMs = 15_000;

export const startWorld = async (options: WorldOptions = {}): Promise<World> => {
  const server = await (options.start?.() ?? startNatsServer(options.server));
  const bus = await connect({ url: server.url, name: 'test', warn: () => {}, ackWaitMs: options.ackWaitMs });
  await prepare(bus, options.replicas === undefined ? {} : { replicas: options.replicas });
  const { names } = bus;
  const coordinators: CoordinatorProcess[] = [];
  const agents: Agent[] = [];
  const notices: Notice[] = [];
  const letters: Message[] = [];
  const entries = new Map<string, Entry>();
  const changed = new Signal();

  bus.listen(names.notices(), ({ subject, data }) => {
    notices.push({ subject, body: decodeTrusted(data) as Record<string, unknown> });
    changed.fire();
  });
  await bus.store(names.buckets.tasks).watch((entry) => {
    entries.set(entry.key, entry);
    changed.fire();
  });
  await bus.log(names.streams.dlq).read({
    after: 0,
    on: (message) => {
      if (
        message.subject.startsWith(names.dlq('marker', 'closed', '')) ||
        message.subject.startsWith(names.dlq('marker', 'sent', ''))
      )
        return;
      letters.push(message);
      changed.fire();
    },
  });

  let lastEvent = 0;
  await bus.log(names.streams.events).read({
    after: 0,
    headersOnly: true,
    on: ({ seq }) => {
      lastEvent = seq;
      changed.fire();
    },
  });

  const configFile = join(server.dir, 'capstan.yaml');
  if (options.config !== undefined) await writeFile(configFile, options.config);

  const ask: World['ask'] = async (door, body, ms = patienceMs) => {
    const [noun = '', verb = ''] = door.split('.');
    const wire = await bus.ask(
      names.api(noun, verb),
      typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      ms,
    );
    const text = textOf(wire.data);
    const parsed = JSON.parse(text) as Record<string, unknown>;
    const status = wire.header('Nats-Service-Error-Code');
    // The header tells: a dead letter has an `error` of its own.
    return { text, body: parsed, error: status === undefined ? null : (parsed as ApiError).error, status };
  };
  const api = async <T>(door: string, body: object): Promise<T> => {
    const { body: found, error } = await ask(door, body);
    if (error !== null) throw new Error(`${door}: ${error.code}: ${error.message}`);
    return found as T;
  };
  const task = (id: string) => api<TaskRecord>('task.get', { task_id: id });
  const record = (id: string): TaskRecord | undefined => {
    const entry = entries.get(id);
    return entry === undefined || entry.gone ? undefined : (JSON.parse(textOf(entry.data)) as TaskRecord);
  };

  /** It ended, and has left the bucket since. */
  const isArchived = (id: string): boolean => {
    const page = entries.get(names.archived(partitionOf(id), archivePage(id)));
    return page !== undefined && !page.gone && textOf(page.data).includes(`"${id}":`);
  };

  const until: World['until'] = (id, what, holds, ms = patienceMs) => {
    let last: TaskRecord | null = null;
    return seen(
      ms,
      () => `${id}: ${what}. It is ${last === null ? 'unknown' : describe(last)}`,
      changed,
      async () => {
        const { body, error } = await ask('task.get', { task_id: id });
        if (error !== null) return undefined;
        last = body as TaskRecord;
        return holds(last) ? last : undefined;
      },
    );
  };

  const world: World = {
    server,
    bus,
    names,
    notices,
    letters,
    entries,
    coordinators,
    ask,
    api,
    task,
    until,
    lastEvent: () => lastEvent,
    coordinator: async ({ instance = `c${coordinators.length + 1}`, env } = {}) => {
      const started = await startCoordinator({
        url: server.url,
        instance,
        env: { ...(options.config === undefined ? {} : { CAPSTAN_CONFIG: configFile }), ...env },
      });
      coordinators.push(started);
      return started;
    },
    agent: async (given = {}) => {
      const started = await startAgent({ url: server.url, ackWaitMs: options.ackWaitMs, work: usualWork, ...given });
      agents.push(started);
      return started;
    },
    submit: (given) => api<Submitted>('task.submit', given),
    plain: async (body, tenant, ms = patienceMs) => {
      const wire = await bus.ask(
        names.submit(tenant),
        typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
        ms,
      );
      const { seq, error } = decodeTrusted(wire.data) as { seq?: number; error?: { description: string } };
      if (seq === undefined) throw new Error(`the plain door: ${error?.description}`);
      return seq;
    },
    ended: (id, ms) => until(id, 'it ends', ({ status }) => isEnded(status), ms),
    stored: (id, what, holds, ms = patienceMs) =>
      seen(
        ms,
        () =>
          `${id} in its bucket: ${what}. It is ${record(id) === undefined ? 'missing' : describe(record(id) as TaskRecord)}`,
        changed,
        () => {
          const found = record(id);
          return found !== undefined && holds(found) ? found : undefined;
        },
      ),
    allEnded: async (ids, ms) => {
      const open = new Set(ids);
      const look = () => {
        for (const id of open) {
          const found = record(id);
          if (found === undefined ? isArchived(id) : isEnded(found.status)) open.delete(id);
        }
        return open.size === 0 ? true : undefined;
      };
      const some = () =>
        [...open]
          .slice(0, 5)
          .map((id) => `${id}: ${record(id) === undefined ? 'missing' : describe(record(id) as TaskRecord)}`)
          .join('\n');
      await seen(ms, () => `${open.size} of ${ids.length} tasks have not ended, such as\n${some()}`, changed, look);
    },
    emptied: (ms = patienceMs) => {
      let left = 0;
      const look = async () => {
        left = (await bus.log(names.streams.tasks).info()).messages;
        return left === 0 ? null : undefined;
      };
      // An acknowledgement is told to nobody, so this one is asked for.
      const asking = setInterval(() => changed.fire(), 100);
      return seen(ms, () => `${left} messages are left in the plain door`, changed, look)
        .then(() => {})
        .finally(() => clearInterval(asking));
    },
    quiet: async () => {
      await Promise.all(coordinators.filter((one) => one.alive()).map((one) => one.stop()));
    },
    checkpointed: async (ids, ms = patienceMs) => {
      const open = new Set(ids);
      const look = () => {
        for (const id of open) {
          const entry = entries.get(`_checkpoint.${partitionOf(id)}`);
          const passed = entry === undefined ? 0 : (JSON.parse(textOf(entry.data)) as { seq: number }).seq;
          const needed = record(id)?.seq ?? (isArchived(id) ? 0 : Number.POSITIVE_INFINITY);
          if (passed >= needed) open.delete(id);
        }
        return open.size === 0 ? true : undefined;
      };
      await seen(ms, () => `the checkpoints have not passed ${[...open].slice(0, 5).join(', ')}`, changed, look);
    },
    changeOr: (ms) => within(ms, 'a change', changed.next()).catch(() => {}),
    eventAt: (seq, ms = 60_000) =>
      seen(
        ms,
        () => `the log got no event ${seq}; its last is ${lastEvent}`,
        changed,
        () => (lastEvent >= seq ? null : undefined),
      ).then(() => {}),
    letter: (what, test, ms = patienceMs) => seen(ms, `no dead letter: ${what}`, changed, () => letters.find(test)),
    notice: (what, test, ms = patienceMs) => seen(ms, `no notice: ${what}`, changed, () => notices.find(test)),
    [Symbol.asyncDispose]: async () => {
      try {
        for (const one of coordinators) one.mustHaveLived();
      } finally {
        await Promise.all([...agents.map((agent) => agent.stop()), ...coordinators.map((one) => one.end())]);
        await bus.close();
        await server.stop();
      }
    },
  };
  try {
    // The agent first: what is there when a task comes needs no search.
    if (options.agent !== false) await world.agent();
    for (let at = 0; at < (options.coordinators ?? 1); at += 1) await world.coordinator();
    return world;
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
};

/** An id that no other test has. */
export const newId = (word = 't'): string => `${word}-${randomUUID().slice(0, 8)}`;

export const describe = (task: TaskRecord): string => {
  const steps = Object.entries(task.steps)
    .slice(0, 6)
    .map(([id, step]) => `${id}: ${step.status} ${step.attempt} (${step.waiting_for ?? step.error?.code ?? '-'})`);
  return `${task.status} (${task.reason ?? '-'}), seq ${task.seq}, ${JSON.stringify(task.counts)} ${steps.join('; ')}`;
};
