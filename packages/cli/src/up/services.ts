// The services that `capstan up` runs as processes beside nats-server, and how one is started.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ServiceSpec {
  /** Of the process, in the log and on the terminal. */
  readonly name: string;
  readonly service: string;
  /** The queue that it announces, where it is an agent. */
  readonly queue: string | null;
}

/** In the order in which they are started; they are drained agents first. */
export const servicesOf = (executors: number): readonly ServiceSpec[] => [
  { name: 'coordinator', service: 'coordinator', queue: null },
  { name: 'planner', service: 'planner', queue: 'planner' },
  ...Array.from({ length: executors }, (_, n) => ({
    name: n === 0 ? 'executor' : `executor-${n + 1}`,
    service: 'executor',
    queue: 'executor',
  })),
  { name: 'verifier', service: 'verifier', queue: 'verifier' },
  { name: 'notifier', service: 'notifier', queue: 'notifier' },
];

export interface Launching {
  readonly checkout: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export const launch = (
  { service }: ServiceSpec,
  instance: string,
  { checkout, environment }: Launching,
): ChildProcess =>
  spawn(process.execPath, [join(checkout, 'services', service, 'src/main.ts')], {
    cwd: checkout,
    // The channel closes when the supervisor is gone, however it went; then a service drains and ends.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...environment, CAPSTAN_INSTANCE: instance },
  });

/** A new one for each start, so that an announcement left by the one before is told from its own. */
export const newInstance = (): string => randomBytes(4).toString('hex');

/** The same for as long as the data is: a coordinator that starts again has its partitions back without waiting for its own silence to be noticed. */
export const coordinatorInstance = (data: string): string => {
  const path = join(data, 'coordinator-instance');
  const kept = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  if (/^[0-9a-f]{8}$/.test(kept)) return kept;
  const made = newInstance();
  writeFileSync(path, made);
  return made;
};

export interface EnvironmentOf {
  readonly url: string;
  readonly namespace: string;
  readonly configFile: string | undefined;
  readonly unsafeHostShell: boolean;
  readonly strict: boolean;
  readonly data: string;
  readonly checkout: string;
}

/** What each of them is told: the same environment, without what would make them collide. */
export const serviceEnvironment = (
  from: Readonly<Record<string, string | undefined>>,
  { url, namespace, configFile, unsafeHostShell, strict, data, checkout }: EnvironmentOf,
): Record<string, string | undefined> => ({
  // Compiled once for all of them, which halves the time to ready.
  NODE_COMPILE_CACHE: join(checkout, '.cache', 'node-compile'),
  ...from,
  CAPSTAN_HEALTH_PORT: undefined,
  CAPSTAN_NATS_URL: url,
  CAPSTAN_NAMESPACE: namespace,
  CAPSTAN_CONFIG: configFile,
  CAPSTAN_UNSAFE_HOST_SHELL: unsafeHostShell ? '1' : undefined,
  // With a server that writes to disk before it acknowledges, what is due together is said together.
  CAPSTAN_STRICT: strict ? '1' : undefined,
  // One place for the files of a task, whichever process works on it.
  CAPSTAN_WORKSPACES: from['CAPSTAN_WORKSPACES'] ?? join(data, 'workspaces'),
  CAPSTAN_SUPERVISED: '1',
});
