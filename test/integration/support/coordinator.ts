// A coordinator, or another service, as a process of its own, as it runs for real: told to stop, killed or frozen at will, its log read line by line.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { seen, Signal, within } from './deadline.ts';

export interface LogLine {
  readonly level: number | string;
  readonly msg: string;
  readonly [name: string]: unknown;
}

export interface CoordinatorOptions {
  readonly url: string;
  readonly instance: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of `services`; the coordinator unless said otherwise. */
  readonly service?: string;
}

export interface CoordinatorProcess {
  readonly instance: string;
  readonly pid: number;
  readonly log: readonly LogLine[];
  /** Resolves with the first line, also of those said already, that is meant. */
  logged(what: string, test: (line: LogLine) => boolean, ms?: number): Promise<LogLine>;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
  /** As fast as may be. */
  end(): Promise<void>;
  /** SIGTERM; throws where it does not drain and end well. */
  stop(): Promise<void>;
  alive(): boolean;
  /** Resolves once it has ended, whoever ended it. */
  readonly gone: Promise<void>;
  /** Throws where it ended without being told to. */
  mustHaveLived(): void;
}

const mainOf = (service: string) => join(import.meta.dirname, `../../../services/${service}/src/main.ts`);
/** Audits look at every order that ever was, however long a run takes. */
const keeps = { CAPSTAN_KEEP_ORDERS_MS: '86400000' };
/** Nothing outlives whoever started it, however that ends. */
const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});
const readyMs = 20_000;
const stopMs = 20_000;

export const startCoordinator = async ({
  url,
  instance,
  env,
  service = 'coordinator',
}: CoordinatorOptions): Promise<CoordinatorProcess> => {
  const child = spawn(process.execPath, [mainOf(service)], {
    env: {
      PATH: process.env['PATH'] ?? '',
      ...measured(),
      CAPSTAN_NATS_URL: url,
      CAPSTAN_INSTANCE: instance,
      ...keeps,
      ...env,
    },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  living.add(child);
  const log: LogLine[] = [];
  const said = new Signal();
  let ended: string | null = null;
  let told = false;
  const gone = once(child, 'exit').then(([code, signal]) => {
    living.delete(child);
    ended = signal === null ? `code ${code}` : String(signal);
    said.fire();
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(parse(line));
    said.fire();
  });
  const tail = () =>
    log
      .slice(-8)
      .map((line) => JSON.stringify(line))
      .join('\n');

  const coordinator: CoordinatorProcess = {
    instance,
    pid: child.pid ?? 0,
    log,
    logged: (what, test, ms = readyMs) =>
      seen(
        ms,
        () => `${service} ${instance} did not say ${what}. It said last:\n${tail()}`,
        said,
        () => {
          const found = log.find(test);
          if (found === undefined && ended !== null)
            throw new Error(
              `The ${service} ${instance} ended with ${ended} before it said ${what}. It said last:\n${tail()}`,
            );
          return found;
        },
      ),
    signal: (name) => void child.kill(name),
    kill: async () => {
      told = true;
      child.kill('SIGKILL');
      await gone;
    },
    // A process that is killed can not say which of its lines ran.
    end: () =>
      ended === null && process.env['NODE_V8_COVERAGE'] !== undefined
        ? coordinator.stop().catch(() => coordinator.kill())
        : coordinator.kill(),
    stop: async () => {
      told = true;
      child.kill('SIGTERM');
      await within(stopMs, () => `${service} ${instance} did not drain. It said last:\n${tail()}`, gone);
      if (ended !== 'code 0')
        throw new Error(`The ${service} ${instance} ended with ${ended} when told to stop. It said last:\n${tail()}`);
    },
    alive: () => ended === null,
    gone,
    mustHaveLived: () => {
      if (ended !== null && !told)
        throw new Error(`The ${service} ${instance} ended by itself with ${ended}. It said last:\n${tail()}`);
    },
  };
  try {
    await coordinator.logged('that it is ready', ({ msg }) => msg === 'Ready.');
  } catch (error) {
    await coordinator.kill();
    throw error;
  }
  return coordinator;
};

/** What was compiled once need not be compiled again for each of a hundred processes, but where coverage is measured, which it would blur. */
const measured = (): Record<string, string> => {
  const coverage = process.env['NODE_V8_COVERAGE'];
  return coverage === undefined
    ? { NODE_COMPILE_CACHE: join(import.meta.dirname, '../../../.cache/compile') }
    : { NODE_V8_COVERAGE: coverage };
};

const parse = (line: string): LogLine => {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: 'raw', msg: line };
  }
};
