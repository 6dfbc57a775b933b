// The processes of one measured installation: a real nats-server, real coordinators, real executors, each as it runs for users.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const checkout = join(import.meta.dirname, '..');
const patienceMs = 60_000;
const lookEveryMs = 10;
let starts = 0;

export interface ServerStart {
  readonly binary: string;
  /** Empty, and its own. */
  readonly dir: string;
  /** `sync_interval: always`. */
  readonly strict: boolean;
  /** -1 picks one. */
  readonly port?: number;
}

export interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  /** Where it tells about itself, by HTTP. */
  readonly monitor: string;
}

/** Resolves once it takes connections. */
export const startServer = async ({ binary, dir, strict, port = -1 }: ServerStart): Promise<Started> => {
  const ports = join(dir, 'ports');
  mkdirSync(ports, { recursive: true });
  for (const old of readdirSync(ports)) rmSync(join(ports, old));
  const config = join(dir, 'nats-server.conf');
  const sync = strict ? 'sync_interval: always' : '';
  writeFileSync(config, `jetstream { store_dir: ${JSON.stringify(join(dir, 'data'))}\n${sync} }\n`);
  const args = ['-c', config, '-a', '127.0.0.1', '-p', String(port), '-m', '-1', '--ports_file_dir', ports];
  const child = logged(join(dir, 'nats-server.log'), (fd) => spawn(binary, args, { stdio: ['ignore', fd, fd] }));
  const urls = await seen('nats-server', child, join(dir, 'nats-server.log'), () => urlsIn(ports));
  return { child, ...urls };
};

export interface ServiceStart {
  readonly service: 'coordinator' | 'executor';
  readonly instance: string;
  readonly dir: string;
  readonly url: string;
  readonly strict: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Of Node.js. */
  readonly flags?: readonly string[];
}

export const serviceEnvironment = ({
  url,
  strict,
  instance,
  dir,
}: Pick<ServiceStart, 'url' | 'strict' | 'instance' | 'dir'>): Record<string, string> => ({
  CAPSTAN_NATS_URL: url,
  CAPSTAN_INSTANCE: instance,
  CAPSTAN_WORKSPACES: join(dir, 'workspaces'),
  // As in the images: with 0, the first thousands of steps cost what compiling their code costs.
  CAPSTAN_REHEARSE: process.env['CAPSTAN_REHEARSE'] ?? '1',
  ...(strict ? { CAPSTAN_STRICT: '1' } : {}),
});

export interface Service {
  readonly child: ChildProcess;
  readonly log: () => string;
}

/** Resolves once it says that it is ready. */
export const startService = async (start: ServiceStart): Promise<Service> => {
  const { service, instance, dir, env, flags } = start;
  // A file of its own for each start: what an earlier one said is not this one's.
  const file = join(dir, `${instance}.${starts++}.log`);
  const child = logged(file, (fd) =>
    spawn(process.execPath, [...(flags ?? []), join(checkout, 'services', service, 'src/main.ts')], {
      stdio: ['ignore', fd, fd],
      env: {
        PATH: process.env['PATH'] ?? '',
        NODE_ENV: 'production',
        NODE_COMPILE_CACHE: join(checkout, '.cache/node-compile'),
        ...serviceEnvironment(start),
        ...env,
      },
    }),
  );
  const log = () => readFileSync(file, 'utf8');
  await seen(instance, child, file, () => (log().includes('"msg":"Ready."') ? true : null));
  return { child, log };
};

/** Resolves once it is gone. */
export const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await gone;
  clearTimeout(late);
};

const logged = (file: string, start: (fd: number) => ChildProcess): ChildProcess => {
  const fd = openSync(file, 'a');
  try {
    return start(fd);
  } finally {
    closeSync(fd);
  }
};

const seen = async <T>(name: string, child: ChildProcess, file: string, look: () => T | null): Promise<T> => {
  const tail = () => readFileSync(file, 'utf8').slice(-1_500);
  const failed: Error[] = [];
  child.once('error', (error) => failed.push(error));
  for (const deadline = Date.now() + patienceMs; ; ) {
    const found = look();
    if (found !== null) return found;
    if (failed[0] !== undefined) throw failed[0];
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode} before it was ready:\n${tail()}`);
    if (Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`${name} was not ready within ${patienceMs / 1_000} s:\n${tail()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
};

/** The server writes a file about its ports once it listens. */
const urlsIn = (folder: string): { url: string; monitor: string } | null => {
  for (const name of readdirSync(folder)) {
    try {
      const said = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { nats?: string[]; monitoring?: string[] };
      const [port, monitor] = [Number(new URL(said.nats?.[0] ?? '').port), said.monitoring?.[0]];
      if (port > 0 && monitor !== undefined) return { url: `nats://127.0.0.1:${port}`, monitor };
    } catch {
      // Half written: look again.
    }
  }
  return null;
};
