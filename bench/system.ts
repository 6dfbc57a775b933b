// One measured installation: all of its processes by name, and a client.
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchClient, connectClient, type Door } from './client.ts';
import { end, type Service, startServer, startService } from './processes.ts';

export interface SystemOptions {
  readonly binary: string;
  readonly strict: boolean;
  readonly coordinators: number;
  readonly executors: number;
  /** What one executor works on at once. */
  readonly concurrency: number;
  readonly door: Door;
  /** Where the data lies; the system's folder for temporary things unless said. */
  readonly data?: string | undefined;
  /** Leaves the folder where it is, and says so. */
  readonly keep?: boolean;
  /** Opens the door for profilers in every service. */
  readonly inspect?: boolean;
}

export interface System extends AsyncDisposable {
  readonly options: SystemOptions;
  readonly url: string;
  /** Where nats-server tells about itself, by HTTP. */
  readonly monitor: string;
  readonly dir: string;
  readonly client: BenchClient;
  /** nats-server, each coordinator and each executor, by name. */
  readonly processes: ReadonlyMap<string, ChildProcess>;
  readonly services: ReadonlyMap<string, Service>;
  start(service: 'coordinator' | 'executor', instance: string): Promise<Service>;
  stop(instance: string, signal: NodeJS.Signals): Promise<void>;
}

export const startSystem = async (options: SystemOptions): Promise<System> => {
  const { strict, concurrency } = options;
  const root = options.data ?? tmpdir();
  mkdirSync(root, { recursive: true });
  const dir = mkdtempSync(join(root, 'capstan-bench-'));
  const processes = new Map<string, ChildProcess>();
  const services = new Map<string, Service>();
  // However this process ends, the others end with it.
  const killAll = () => {
    for (const child of processes.values()) child.kill('SIGKILL');
  };
  process.on('exit', killAll);

  let url = '';
  const start: System['start'] = async (service, instance) => {
    const env = service === 'executor' ? { CAPSTAN_CONCURRENCY: String(concurrency) } : {};
    const flags = options.inspect ? ['--inspect=127.0.0.1:0'] : [];
    const started = await startService({ service, instance, dir, url, strict, env, flags });
    processes.set(instance, started.child);
    services.set(instance, started);
    return started;
  };
  const stop: System['stop'] = async (instance, signal) => {
    const child = processes.get(instance);
    processes.delete(instance);
    services.delete(instance);
    if (child !== undefined) await end(child, signal);
  };
  let client: BenchClient | undefined;
  const dispose = async () => {
    await client?.close();
    // Nothing of this is kept, so nobody has to store anything first.
    await Promise.all([...processes.keys()].map((name) => stop(name, 'SIGKILL')));
    process.off('exit', killAll);
    if (options.keep) process.stderr.write(`kept: ${dir}\n`);
    else rmSync(dir, { recursive: true, force: true });
  };
  try {
    const server = await startServer({ binary: options.binary, dir, strict });
    ({ url } = server);
    const { monitor } = server;
    processes.set('nats-server', server.child);
    for (let at = 0; at < options.coordinators; at += 1) await start('coordinator', named('coordinator', at));
    for (let at = 0; at < options.executors; at += 1) await start('executor', named('executor', at));
    client = await connectClient(url, options.door);
    return { options, url, monitor, dir, client, processes, services, start, stop, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
};

export const named = (service: string, at: number): string => (at === 0 ? service : `${service}-${at + 1}`);
