// How every process begins: configuration, log, health, connection, and then the one job it is for.
import { connect, type ConnectOptions, isBusError, strictBatching } from '@capstan/bus';
import type { Bus, NatsBus } from '@capstan/bus';
import type { z } from 'zod';
import { type Config, emptySection, loadConfig, type Section } from './config.ts';
import { ConfigMistake } from './config-mistake.ts';
import { type Health, newHealth, serveHealth } from './health.ts';
import { type Logger, newLog } from './log.ts';
import { type Mask, newMask, processSecretsMax } from './masking.ts';
import { pause } from './pause.ts';
import { newShutdown, type Shutdown } from './shutdown.ts';

export interface ServiceContext<Own = unknown> {
  readonly name: string;
  readonly config: Config<Own>;
  readonly log: Logger;
  /** What the log masks. */
  readonly mask: Mask;
  readonly bus: NatsBus;
  readonly health: Health;
  readonly shutdown: Shutdown;
}

export interface ServiceDefinition<Schema extends z.ZodObject> {
  readonly name: string;
  readonly section?: Section<Schema>;
  /** Whoever prepares the streams does not wait for them. */
  readonly preparesStreams?: boolean;
  /** Resolves once the service does its job; the process then lives until it is told to stop. */
  start(context: ServiceContext<z.output<Schema>>): Promise<void>;
}

/** Runs until the process ends; exits with 2 for a mistake in the configuration and 1 for anything else that went wrong. */
export const runService = async <Schema extends z.ZodObject>(definition: ServiceDefinition<Schema>): Promise<void> => {
  try {
    await begin(definition);
  } catch (error) {
    if (error instanceof ConfigMistake) {
      process.stderr.write(`capstan ${definition.name}: ${error.message}\n`);
      process.exit(2);
    }
    // Wrong credentials, a server too old: what to do is in the message, and nothing of it in a stack.
    if (!isBusError(error)) throw error;
    process.stderr.write(`capstan ${definition.name}: ${error.message}\n`);
    process.exit(1);
  }
};

const begin = async <Schema extends z.ZodObject>(definition: ServiceDefinition<Schema>): Promise<void> => {
  const { name } = definition;
  const config = loadConfig(name, definition.section ?? (emptySection as unknown as Section<Schema>));
  const mask = newMask({ secretsMax: processSecretsMax });
  // A password of its own may be an ordinary word, which is masked in the log and nowhere else; and none of these is ever forgotten.
  const logMask = newMask({ wider: mask, widerLengthMin: 0 });
  for (const own of [config.nats.password, config.secrets.vault.token]) if (own) logMask.add(own);
  const log = newLog({ service: name, instance: config.instance, level: config.log.level, mask: logMask });
  const shutdown = newShutdown({ log, drainMs: config.drain_ms });
  exitOnCrash(log);

  const health = newHealth();
  let waitingFor: string | null = 'NATS';
  health.check(name, () => (shutdown.signal.aborted ? 'draining' : waitingFor && `waiting for ${waitingFor}`));
  if (config.health.port !== undefined) {
    const server = await serveHealth(health, config.health.port, config.health.host);
    log.info({ port: server.port }, 'Serves /healthz and /readyz.');
  }

  const bus = await connectPatiently(name, config, log, shutdown.signal);
  if (!bus) return;
  shutdown.onDrain('bus', () => bus.close());
  health.check('bus', () => (bus.connected() ? null : 'NATS is out of reach'));
  void bus.closed.then((error) => {
    if (shutdown.signal.aborted) return;
    log.fatal({ error }, 'The connection to NATS is over for good; ending, so that a fresh process can take over.');
    process.exit(1);
  });

  waitingFor = 'the streams';
  if (!definition.preparesStreams) await waitForStreams(bus, log, shutdown.signal);
  if (shutdown.signal.aborted) return;
  await definition.start({ name, config, log, mask, bus, health, shutdown });
  waitingFor = null;
  log.info({ url: withoutUser(config.nats.url), namespace: config.namespace }, 'Ready.');
};

const exitOnCrash = (log: Logger): void => {
  const crash = (error: unknown) => {
    log.fatal({ error }, 'A mistake in the program; ending. What was unfinished is delivered again.');
    process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
};

const sayAgainMs = 10_000;
const lookAgainMs = 500;

/** Null where the process was told to stop first. */
const connectPatiently = async (
  name: string,
  config: Config,
  log: Logger,
  signal: AbortSignal,
): Promise<NatsBus | null> => {
  const waiting = sayNowAndThen(log);
  while (!signal.aborted) {
    try {
      return await connect(connectOptions(name, config, log));
    } catch (error) {
      if (!isBusError(error, 'unavailable')) throw error;
      waiting(error.message);
    }
    await pause(lookAgainMs, signal);
  }
  return null;
};

export const connectOptions = (name: string, config: Config, log: Logger): ConnectOptions => {
  const { url, user, password, creds, strict, inbox_prefix: inboxPrefix } = config.nats;
  const warn = (message: string) => log.warn(message);
  return {
    url,
    namespace: config.namespace,
    name: `${config.namespace} ${name}.${config.instance}`,
    user,
    password,
    creds,
    inboxPrefix,
    batch: strict ? strictBatching : null,
    warn,
  };
};

/** The coordinator prepares them; an agent that is first waits, and says for what. */
const waitForStreams = async (bus: Bus, log: Logger, signal: AbortSignal): Promise<void> => {
  const { streams, buckets } = bus.names;
  const needed = [streams.orders, streams.logs, `KV_${buckets.agents}`, `OBJ_${buckets.artifacts}`];
  const waiting = sayNowAndThen(log);
  for (const stream of needed) {
    while (!signal.aborted) {
      try {
        await bus.log(stream).info();
        break;
      } catch (error) {
        if (isBusError(error, 'forbidden')) break;
        if (!isBusError(error, 'unavailable')) throw error;
        waiting(`${error.message} The coordinator makes it; is one running, in the namespace ${bus.names.namespace}?`);
      }
      await pause(lookAgainMs, signal);
    }
  }
};

/** The first time at once, then not more often than anybody wants to read. */
const sayNowAndThen = (log: Logger): ((message: string) => void) => {
  let saidAt = 0;
  return (message) => {
    if (Date.now() - saidAt < sayAgainMs) return;
    saidAt = Date.now();
    log.warn(`Waiting: ${message}`);
  };
};

const withoutUser = (url: string): string => url.replaceAll(/\/\/[^@/]*@/g, '//');
