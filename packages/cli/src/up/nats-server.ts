// The nats-server of `capstan up`: found or fetched by a tool of the checkout, configured in the data directory, run as a child.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CommandError, exits, mistake } from '../exit.ts';
import type { Say } from './say.ts';

export interface ServerOptions {
  readonly binary: string;
  readonly data: string;
  /** 0 picks one, which it then keeps. */
  readonly port: number;
  readonly strict: boolean;
}

/** Asks the tool, which prints a path on stdout and what it does meanwhile on stderr. */
export const findNatsServer = (checkout: string, say: Say, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    const tool = spawn(process.execPath, [join(checkout, 'tools/nats-server.mjs')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    });
    let [path, said] = ['', ''];
    tool.stdout.on('data', (chunk: Buffer) => (path += chunk.toString()));
    tool.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      // Fetching takes a while, and silence looks like a fault.
      for (const line of chunk.toString().trim().split('\n'))
        if (/fetching|building|waiting/.test(line)) say.remark('nats_server', { message: line }, line);
    });
    tool.once('error', (error) =>
      reject(
        new CommandError(
          exits.failed,
          `tools/nats-server.mjs can't be run: ${error.message}.`,
          { code: 'internal' },
          { cause: error },
        ),
      ),
    );
    tool.once('close', (code) => {
      if (code === 0 && path.trim()) resolve(path.trim());
      else
        reject(
          new CommandError(exits.failed, sentence(said) || 'There is no nats-server here.', {
            code: 'unavailable',
            hint: 'Or use one that runs already: --nats-url URL.',
          }),
        );
    });
  });

const sentence = (lines: string): string =>
  lines
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/([^.])$/, '$1.');

/** Said before anything is started, while it is still easy to understand. */
export const mustBeFree = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    if (port === 0) return resolve();
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'something listens there already' : (error.code ?? error.message);
      reject(
        mistake(
          `Port ${port} can't be used: ${why}.`,
          'Give another with --port N, or --port 0 to have one picked; or use the server that runs there, with --nats-url.',
        ),
      );
    });
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });

export interface NatsServer {
  /** Starts it; a second start takes the port of the first. */
  start(): ChildProcess;
  /** The port, once it takes connections; rejects where the process ends first. */
  listening(): Promise<number>;
}

export const natsServer = ({ binary, data, port: wanted, strict }: ServerOptions): NatsServer => {
  const ports = join(data, 'ports');
  const config = join(data, 'nats-server.conf');
  const log = join(data, 'logs', 'nats-server.log');
  mkdirSync(ports, { recursive: true });
  writeFileSync(config, configuration(data, log, strict));
  let port = wanted === 0 ? -1 : wanted;
  let child: ChildProcess | null = null;
  return {
    start: () => {
      for (const old of readdirSync(ports)) rmSync(join(ports, old), { force: true });
      const args = ['-c', config, '-p', String(port), '--ports_file_dir', ports];
      // A group of its own: Ctrl-C reaches everybody in the terminal's group, and this one must be the last to go.
      child = spawn('/bin/sh', ['-c', guarded, binary, ...args], {
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        detached: true,
      });
      const guard = child.stdio[3] as NodeJS.WritableStream;
      guard.on('error', () => {});
      child.once('exit', () => guard.end('\n'));
      return child;
    },
    listening: async () => {
      const started = child;
      for (;;) {
        const found = portIn(ports);
        if (found !== null) {
          port = found;
          return found;
        }
        if (!started || started.exitCode !== null || started.signalCode !== null) throw failure(log);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
};

/**
 * The shell becomes nats-server, so that its process id is the server's. What it leaves beside it waits for the supervisor's end of a
 * pipe to close, which it does however the supervisor dies, and then stops the server, late enough for the services to drain.
 */
const guarded = '( read -r ended <&3 || { sleep 10; kill -TERM $$; } ) >/dev/null 2>&1 & exec 3<&-; exec "$0" "$@"';

const configuration = (data: string, log: string, strict: boolean): string =>
  `# Written by \`capstan up\` at each start; changes here are lost.
server_name: capstan
host: 127.0.0.1
max_payload: 1MB
write_deadline: "10s"
lame_duck_duration: "30s"
lame_duck_grace_period: "5s"
logfile: ${JSON.stringify(log)}
logfile_size_limit: 10MB
logfile_max_num: 4
jetstream {
  store_dir: ${JSON.stringify(data)}
${strict ? '  # Every acknowledgement waits for the disk: a power cut loses nothing.\n  sync_interval: always\n' : ''}}
`;

/** The server writes a file about its ports once it listens. */
const portIn = (folder: string): number | null => {
  for (const name of readdirSync(folder)) {
    try {
      const { nats } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { nats?: string[] };
      const port = Number(new URL(nats?.[0] ?? '').port);
      if (port > 0) return port;
    } catch {
      // Half written: look again.
    }
  }
  return null;
};

const failure = (log: string): CommandError =>
  new CommandError(exits.failed, `nats-server did not start: ${lastError(log)}.`, {
    code: 'unavailable',
    hint: `Its log is ${log}.`,
  });

/** Its own last word on what went wrong. */
export const lastError = (log: string): string => {
  try {
    const lines = readFileSync(log, 'utf8').split('\n');
    const line = lines.findLast((one) => /\[(FTL|ERR)\]/.test(one));
    return line ? line.replace(/^.*\[(FTL|ERR)\] /, '') : 'it said nothing about why';
  } catch {
    return 'it wrote no log';
  }
};
