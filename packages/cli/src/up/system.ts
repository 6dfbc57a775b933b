// The system on this machine: nats-server and the services, started in order, kept running, and drained in order.
import { join } from 'node:path';
import { limits } from '@capstan/contracts';
import type { Client } from '../client.ts';
import { connectClient } from '../connect.ts';
import { CommandError, exits } from '../exit.ts';
import { type End, type Kept, keepRunning } from './child.ts';
import { openRegister, type Register } from './leftovers.ts';
import { openLogFile } from './log-file.ts';
import { findNatsServer, lastError, mustBeFree, natsServer } from './nats-server.ts';
import type { Settled } from './options.ts';
import { type Expected, untilReady } from './ready.ts';
import type { Say } from './say.ts';
import {
  coordinatorInstance,
  launch,
  newInstance,
  type ServiceSpec,
  serviceEnvironment,
  servicesOf,
} from './services.ts';

export interface System {
  /** Resolves once every service answers. */
  start(): Promise<Client>;
  /** Agents first, then the coordinator, nats-server last. Resolves to whether all of them ended by themselves. */
  drain(): Promise<boolean>;
  /** Ends all of them at once. */
  kill(): void;
}

export interface Starting {
  readonly settled: Settled;
  readonly checkout: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly say: Say;
  /** Aborted when it is told to stop before it is ready. */
  readonly signal: AbortSignal;
}

/** Longer than what a service allows itself. */
const serviceStopMs = limits.drainMs + 5_000;
const serverStopMs = 15_000;

export const newSystem = ({ settled, checkout, environment, say, signal }: Starting): System => {
  const register = openRegister(settled.data);
  const kept: { readonly spec: ServiceSpec | null; readonly child: Kept }[] = [];
  let client: Client | undefined;
  let fatal: (error: CommandError) => void = () => {};
  const failed = new Promise<never>((_, reject) => (fatal = reject));
  failed.catch(() => {});
  let ready = false;
  const ending = new AbortController();
  const keep = keeper(settled, register, say, () => !ready);

  const startServer = async (): Promise<string> => {
    if (settled.natsUrl !== undefined) return settled.natsUrl;
    await mustBeFree(settled.port);
    const server = natsServer({ ...settled, binary: await findNatsServer(checkout, say, signal) });
    signal.throwIfAborted();
    let listens = false;
    const child = keep('nats-server', true, server.start, () => {
      // Before it has listened once, starting it again would only fail again.
      if (!listens) return true;
      say.note('nats_server', { message: lastError(join(settled.data, 'logs', 'nats-server.log')) });
      return false;
    });
    kept.push({ spec: null, child });
    const port = await server.listening();
    listens = true;
    return `nats://127.0.0.1:${port}`;
  };

  const startService = (spec: ServiceSpec, told: Record<string, string | undefined>): Expected => {
    let instance = '';
    const start = () => {
      instance = spec.queue === null ? coordinatorInstance(settled.data) : newInstance();
      return launch(spec, instance, { checkout, environment: told });
    };
    const child = keep(spec.name, false, start, ({ code, last }) => {
      // A mistake in the configuration does not go away by starting again.
      if (code !== 2 || ready) return false;
      fatal(new CommandError(exits.usage, last || `${spec.name} refuses its configuration.`, { code: 'usage' }));
      return true;
    });
    kept.push({ spec, child });
    return { name: spec.name, queue: spec.queue ?? '', instance: () => instance };
  };

  return {
    start: async () => {
      const url = await startServer();
      signal.throwIfAborted();
      client = await connectClient({
        natsUrl: url,
        namespace: settled.namespace,
        environment: { ...environment, CAPSTAN_CONFIG: settled.configFile },
      }).catch((error: unknown) => {
        throw settled.natsUrl === undefined ? error : nobodyThere(error);
      });
      const told = serviceEnvironment(environment, { ...settled, url, checkout });
      const expected = servicesOf(settled.executors).map((spec) => startService(spec, told));
      const agents = expected.filter(({ queue }) => queue !== '');
      const slow = (missing: string) => say.remark('waiting', { for: missing }, `Still waiting for ${missing}.`);
      await Promise.race([untilReady(client, agents, AbortSignal.any([signal, ending.signal]), slow), failed]);
      ready = true;
      return client;
    },
    drain: async () => {
      ending.abort();
      const stopAll = async (which: (spec: ServiceSpec | null) => boolean, withinMs: number) => {
        const results = await Promise.all(
          kept.filter(({ spec }) => which(spec)).map(({ child }) => stop(child, withinMs, say)),
        );
        return results.every((ended) => ended);
      };
      const agents = await stopAll((spec) => spec !== null && spec.queue !== null, serviceStopMs);
      const coordinator = await stopAll((spec) => spec !== null && spec.queue === null, serviceStopMs);
      await client?.close().catch(() => {});
      const server = await stopAll((spec) => spec === null, serverStopMs);
      register.clear();
      return agents && coordinator && server;
    },
    kill: () => {
      for (const { child } of kept) child.kill();
      register.clear();
    },
  };
};

/** Who starts Capstan need not be told to start Capstan. */
const nobodyThere = (error: unknown): unknown =>
  error instanceof CommandError && error.exit === exits.unavailable
    ? new CommandError(
        exits.failed,
        error.message,
        {
          code: 'unavailable',
          hint: 'Is that server running, and is the address right? Without --nats-url one is started here.',
        },
        { cause: error },
      )
    : error;

/** `giveUp` may decide that a child which ended is not started again. */
const keeper =
  ({ data }: Settled, register: Register, say: Say, isQuiet: () => boolean) =>
  (
    name: string,
    group: boolean,
    start: Parameters<typeof keepRunning>[0]['start'],
    giveUp: (end: End) => boolean,
  ): Kept => {
    const child: Kept = keepRunning({
      name,
      start,
      group,
      log: openLogFile(join(data, 'logs', `${name}.${group ? 'out' : 'log'}`)),
      register,
      say,
      isQuiet,
      onEnd: (end) => {
        if (giveUp(end)) child.kill();
      },
    });
    return child;
  };

const stop = async (child: Kept, withinMs: number, say: Say): Promise<boolean> => {
  const ended = await child.stop(withinMs);
  say.note('stopped', { service: child.name, killed: !ended });
  if (!ended)
    say.remark(
      'killed',
      { service: child.name },
      `${child.name} did not drain within ${withinMs / 1_000} s and was killed; what was unfinished is delivered again.`,
      'error',
    );
  return ended;
};
