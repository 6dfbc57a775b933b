// Starts a real nats-server of one's own, for tests: any free port, its own directory, killed and started again at will.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface ServerOptions {
  /** Lines of server configuration, added to what is set here. */
  readonly config?: string;
  /** Sync before every acknowledgement. */
  readonly strict?: boolean;
  /** A directory to keep; otherwise one is made, and removed at the end. */
  readonly storeDir?: string;
  readonly maxPayload?: number;
  /** Such as "5GB": what JetStream may use of the disk. */
  readonly maxStore?: string;
  /** True unless said otherwise. */
  readonly jetStream?: boolean;
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly dir: string;
  readonly pid: number;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
  /** On the same port and data; resolves once it takes connections. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** Stops it for good. */
  stop(): Promise<void>;
}

/** `await using server = await startNatsServer()` ends it with the test. */
export const startNatsServer = async (options: ServerOptions = {}): Promise<TestServer> => {
  const dir = options.storeDir ?? (await mkdtemp(join(tmpdir(), 'capstan-nats-')));
  await mkdir(join(dir, 'ports'), { recursive: true });
  const file = join(dir, 'server.conf');
  const strict = options.strict ? 'sync_interval: always' : '';
  const store = options.maxStore ? `max_file_store: ${options.maxStore}` : '';
  const payload = options.maxPayload ? `max_payload: ${options.maxPayload}` : '';
  const jetStream =
    options.jetStream === false
      ? ''
      : `jetstream { store_dir: ${JSON.stringify(join(dir, 'data'))}\n${strict}\n${store} }`;
  await writeFile(file, `${jetStream}\n${payload}\n${options.config ?? ''}\n`);
  let child: ChildProcess | null = null;
  let port = -1;

  const start = async (): Promise<void> => {
    const ports = join(dir, 'ports');
    for (const old of await readdir(ports)) await rm(join(ports, old));
    const started = spawn(
      natsServerPath(),
      ['-c', file, '-a', '127.0.0.1', '-p', String(port), '--ports_file_dir', ports],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    child = started;
    let said = '';
    started.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_096)));
    const gone = new Promise<never>((_, reject) => {
      started.once('error', reject);
      started.once('exit', (code) => reject(new Error(`nats-server ended with ${code}:\n${said}`)));
    });
    gone.catch(() => {});
    port = await Promise.race([gone, portIn(ports)]);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = child;
    child = null;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill(signal);
    await exited;
  };
  const stop = async (): Promise<void> => {
    await end('SIGKILL');
    if (options.storeDir === undefined) await rm(dir, { recursive: true, force: true });
  };
  await start();
  return {
    get url() {
      return `nats://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    get pid() {
      return child?.pid ?? 0;
    },
    dir,
    start,
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGKILL');
      await start();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
};

/** CAPSTAN_NATS_SERVER, else the PATH, else what the checkout's own tools put into `.cache/bin`. */
export const natsServerPath = (): string => {
  const named = process.env['CAPSTAN_NATS_SERVER'];
  if (named) return named;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), join(import.meta.dirname, '../../../.cache/bin')];
  const found = folders.map((folder) => join(folder, 'nats-server')).find((path) => existsSync(path));
  if (!found) throw new Error('No nats-server: set CAPSTAN_NATS_SERVER, or put one on the PATH.');
  return found;
};

/** The server writes this file once it listens. */
const portIn = async (folder: string): Promise<number> => {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    for (const name of await readdir(folder)) {
      try {
        const { nats } = JSON.parse(await readFile(join(folder, name), 'utf8')) as { nats?: string[] };
        const port = Number(new URL(nats?.[0] ?? '').port);
        if (port > 0) return port;
      } catch {
        // Half written: look again.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('nats-server did not listen within 20 seconds.');
};
