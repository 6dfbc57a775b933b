// Opens the connection, and says plainly why it can't be opened.
import { readFileSync } from 'node:fs';
import { limits, namesOf } from '@capstan/contracts';
import {
  type Authenticator,
  connect as natsConnect,
  type ConnectionOptions,
  credsAuthenticator,
  type NatsConnection,
  nuid,
  type TlsOptions,
} from 'nats';
import { BusError } from '../error.ts';
import { Asker } from './asker.ts';
import { type NatsBus, natsBus } from './bus.ts';
import type { Line } from './line.ts';
import { Outgoing } from './outgoing.ts';
import { type Batching, Publisher } from './publisher.ts';

export interface ConnectOptions {
  /** One address or several, separated by commas. */
  readonly url?: string;
  readonly namespace?: string;
  /** As the server lists this connection. */
  readonly name?: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** A credentials file. */
  readonly creds?: string | undefined;
  readonly tls?: TlsOptions | undefined;
  /** Replies come under this; one user must not read another's. */
  readonly inboxPrefix?: string | undefined;
  /** How long to wait for the server at first; 0 is one try. Once connected, it reconnects for ever. */
  readonly waitMs?: number;
  /** Where the server syncs before every acknowledgement (`sync_interval: always`): say together what is due together. */
  readonly batch?: Batching | null | undefined;
  /** Of the consumers that this connection makes. */
  readonly ackWaitMs?: number | undefined;
  readonly maxDeliver?: number | undefined;
  readonly warn?: ((message: string) => void) | undefined;
}

/** What was measured to be best under `sync_interval: always`; relaxed, batches cost more than they save. */
export const strictBatching: Batching = { min: 6, max: 500, inflight: 2 };

/** Lower ones lose messages of work queues (nats-server 7817). */
export const serverVersionMin = '2.12.5';

export const connect = async (options: ConnectOptions = {}): Promise<NatsBus> => {
  const names = namesOf(options.namespace);
  const warn = options.warn ?? ((message) => process.emitWarning(message));
  const connection = await firstConnection(optionsOf(options), options.waitMs ?? 0);
  const { version } = connection.info ?? {};
  if (!version || isOlder(version, serverVersionMin)) {
    await connection.close();
    throw new BusError(
      'unavailable',
      `nats-server ${version} is too old: Capstan needs ${serverVersionMin} or later, and is tested with 2.15.1.`,
    );
  }
  const prefix = `${options.inboxPrefix ?? '_INBOX'}.${nuid.next()}`;
  let online = true;
  let count = 0;
  const outgoing = new Outgoing(connection);
  const line: Line = {
    connection,
    outgoing,
    ackWaitMs: options.ackWaitMs ?? limits.ackWaitMs,
    maxDeliver: options.maxDeliver ?? limits.maxDeliver,
    asker: new Asker(connection, outgoing, `${prefix}.a`),
    warn,
    online: () => online,
    inbox: () => `${prefix}.${(count++).toString(36)}`,
    watchers: new Set(),
  };
  const setOnline = (now: boolean): void => {
    online = now;
    if (now) line.asker.online();
    else line.asker.offline();
    for (const watcher of [...line.watchers]) {
      if (now) watcher.restart();
      else watcher.broke?.();
    }
  };
  void follow(connection, line, setOnline);
  const closed = connection.closed().then((error) => {
    online = false;
    line.asker.close();
    for (const watcher of [...line.watchers]) watcher.closed?.();
    return error ?? undefined;
  });
  const publisher = new Publisher(line.asker, nuid.next(), names.namespace, options.batch ?? null);
  return natsBus(line, publisher, names, closed as Promise<Error | undefined>);
};

const optionsOf = (options: ConnectOptions): ConnectionOptions => {
  const { creds } = options;
  // Read anew for each connection, since credentials are renewed while a process runs.
  const authenticator: Authenticator | undefined = creds ? credsAuthenticator(() => readFileSync(creds)) : undefined;
  return {
    servers: (options.url ?? 'nats://127.0.0.1:4222').split(','),
    name: options.name ?? 'capstan',
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 500,
    reconnectJitterTLS: 500,
    pingInterval: 15_000,
    timeout: 5_000,
    ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.password === undefined ? {} : { pass: options.password }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(authenticator ? { authenticator } : {}),
  };
};

/** nats.js' own waiting has no end; this one has. */
const firstConnection = async (options: ConnectionOptions, waitMs: number): Promise<NatsConnection> => {
  const deadline = Date.now() + waitMs;
  for (;;) {
    try {
      return await natsConnect(options);
    } catch (error) {
      const { name, message } = error as Error;
      const where = (options.servers as string[]).join(', ').replaceAll(/\/\/[^@/]*@/g, '//');
      if (name === 'AuthorizationError' || /authorization|authentication/i.test(message))
        throw new BusError('forbidden', `The NATS server at ${where} refuses these credentials.`, { cause: error });
      if (Date.now() >= deadline)
        throw new BusError(
          'unavailable',
          `No NATS server answers at ${where}: ${message}. Is it running, and is the address right?`,
          { cause: error },
        );
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
};

const follow = async (connection: NatsConnection, line: Line, setOnline: (online: boolean) => void): Promise<void> => {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect') setOnline(false);
    else if (status.type === 'reconnect') setOnline(true);
    else if (status.type === 'error') {
      const { operation, subject } = status.error as { operation?: string; subject?: string };
      if (operation === 'publish' && subject) line.asker.forbidden(subject);
      line.warn(`The NATS server says: ${status.error.message}`);
    } else if (status.type === 'slowConsumer') line.warn('This process reads more slowly than the NATS server sends.');
    else if (status.type === 'ldm') line.warn('The NATS server is about to stop (lame duck).');
  }
};

const isOlder = (version: string, than: string): boolean => {
  const a = version.split(/[.-]/).map(Number);
  const b = than.split('.').map(Number);
  for (let at = 0; at < 3; at++) if (a[at] !== b[at]) return !((a[at] as number) > (b[at] as number));
  return false;
};
