// What `capstan up` is asked to do: the command line over the environment over the configuration file over the defaults.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Options, Values } from '../command.ts';
import { configOf } from '../connect.ts';
import { mistake } from '../exit.ts';

export const upOptions = {
  'no-demo': { type: 'flag', text: 'only run the system, without the demonstration', env: 'CAPSTAN_NO_DEMO' },
  port: {
    type: 'whole',
    value: 'N',
    text: 'the port of NATS; 0 picks one (default 4222)',
    env: 'CAPSTAN_PORT',
    min: 0,
    max: 65_535,
  },
  data: {
    type: 'text',
    value: 'DIR',
    text: 'where everything is kept (default .capstan in the checkout)',
    env: 'CAPSTAN_DATA',
  },
  http: {
    type: 'whole',
    value: 'PORT',
    text: 'the port of the HTTP gateway, which does not exist yet',
    env: 'CAPSTAN_HTTP',
    min: 0,
    max: 65_535,
  },
  executors: {
    type: 'whole',
    value: 'N',
    text: 'how many executors (default 1)',
    env: 'CAPSTAN_EXECUTORS',
    min: 1,
    max: 64,
  },
  config: { type: 'text', value: 'FILE', text: 'a YAML file with settings for all services', env: 'CAPSTAN_CONFIG' },
  strict: {
    type: 'flag',
    text: 'every acknowledgement waits for the disk, so that a power cut loses nothing',
    env: 'CAPSTAN_STRICT',
  },
  'unsafe-host-shell': {
    type: 'flag',
    text: 'let tasks run commands on this machine, as you',
    env: 'CAPSTAN_UNSAFE_HOST_SHELL',
  },
  'approve-after': {
    type: 'duration',
    text: 'how long the demonstration waits for you to approve',
    default: 5_000,
    env: 'CAPSTAN_APPROVE_AFTER',
  },
} as const satisfies Options;

export interface Settled {
  readonly demo: boolean;
  readonly port: number;
  readonly data: string;
  readonly http: number | undefined;
  readonly executors: number;
  readonly configFile: string | undefined;
  readonly strict: boolean;
  readonly unsafeHostShell: boolean;
  readonly approveAfterMs: number;
  /** A server that runs already; undefined where one is to be started. */
  readonly natsUrl: string | undefined;
  readonly namespace: string;
}

export interface Asked {
  readonly options: Values<typeof upOptions>;
  readonly natsUrl: string | undefined;
  readonly namespace: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly checkout: string;
}

const usualUrl = 'nats://127.0.0.1:4222';

export const settle = ({ options, natsUrl, namespace, environment, checkout }: Asked): Settled => {
  const configFile = options.config === undefined ? undefined : resolve(options.config);
  const config = configOf({ natsUrl, namespace, environment: { ...environment, CAPSTAN_CONFIG: configFile } });
  const { own } = config;
  // A file that names another server than the usual one means a server that runs already.
  const url = natsUrl ?? (config.nats.url === usualUrl ? undefined : config.nats.url);
  if (url !== undefined && (options.port !== undefined || options.strict)) {
    const which = options.strict ? '--strict' : '--port';
    throw mistake(
      `${which} says how to start a server, but ${url === natsUrl ? '--nats-url' : 'the configuration'} names one that runs already.`,
      'Leave one of them out.',
    );
  }
  const data = resolve(options.data ?? own.data ?? resolve(checkout, '.capstan'));
  makeDirectory(data);
  return {
    demo: !options['no-demo'] && own.demo !== false,
    port: options.port ?? own.port ?? 4222,
    data,
    http: options.http ?? own.http,
    executors: options.executors ?? own.executors ?? 1,
    configFile,
    strict: options.strict || own.strict === true,
    unsafeHostShell: options['unsafe-host-shell'] || config.unsafe_host_shell,
    approveAfterMs: options['approve-after'],
    natsUrl: url,
    namespace: config.namespace,
  };
};

const makeDirectory = (data: string): void => {
  try {
    mkdirSync(resolve(data, 'logs'), { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === 'EEXIST' || code === 'ENOTDIR'
        ? 'something that is no directory is in the way'
        : code === 'EACCES'
          ? 'you may not write there'
          : message;
    throw mistake(`The data can't be kept in ${data}: ${why}.`, 'Give another directory with --data DIR.');
  }
};
