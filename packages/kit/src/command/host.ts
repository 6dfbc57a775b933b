// Runs a command on this host, as this user: no sandbox at all, so it is refused unless the configuration allows it by name.
import { type ChildProcess, spawn } from 'node:child_process';
import { reject, Stopped } from '../outcome.ts';
import { keep, kill, letGo } from './groups.ts';
import { newTail, type Tail } from './tail.ts';

export interface Command {
  /** Program and arguments; nothing is interpreted by a shell. */
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** The whole of its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string | undefined;
  /** Ends it, with everything that it has started. */
  readonly signal: AbortSignal;
  readonly timeoutMs?: number | undefined;
  readonly onOutput?: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  /** How much of the end of each stream is kept. */
  readonly tailBytes: number;
  /** What is kept goes through it. */
  readonly masked: (text: string) => string;
}

export interface CommandResult {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether the beginning of a stream is missing here. */
  readonly truncated: boolean;
  readonly wallMs: number;
}

export type RunCommand = (command: Command) => Promise<CommandResult>;

export const hostRefusal =
  'Commands on the host are switched off. Set CAPSTAN_UNSAFE_HOST_SHELL=1 (or start with --unsafe-host-shell) to allow them: every task can then run anything as this user.';

/** Where commands may run: on the host behind the switch, otherwise nowhere. */
export const commandRunner = (config: { readonly unsafe_host_shell: boolean }): RunCommand =>
  config.unsafe_host_shell ? runOnHost : () => Promise.reject(new Stopped(reject('sandbox_unavailable', hostRefusal)));

/** Between asking a process group to end and ending it. */
const termGraceMs = 1_000;
/** What a command started may hold its output open after it has ended. */
const lingerMs = 500;

/** Throws `Stopped` where the command can't be started; any exit code is a result. */
export const runOnHost: RunCommand = async (command) => {
  const { argv, cwd, env, signal, timeoutMs, onOutput } = command;
  signal.throwIfAborted();
  const [program, ...args] = argv;
  const startedAt = performance.now();
  const child = start(program, args, cwd, env);
  const keep = command.tailBytes + slackBytes;
  const tails = { stdout: newTail(keep), stderr: newTail(keep) };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => {
      tails[stream].push(chunk);
      onOutput?.(stream, chunk);
    });
  }
  // A command that does not read its input closes it early; that is its right.
  child.stdin.on('error', () => {});
  child.stdin.end(command.stdin ?? '');

  let timedOut = false;
  const group = newGroupKill(child.pid);
  const onLimit = () => {
    timedOut = true;
    group.start();
  };
  const limit = timeoutMs === undefined ? undefined : setTimeout(onLimit, timeoutMs);
  signal.addEventListener('abort', group.start, { once: true });
  try {
    const { exitCode, endSignal } = await ended(child, group.now);
    const [stdout, stderr] = [tails.stdout, tails.stderr].map((tail) => lastOf(tail, command)) as [Kept, Kept];
    const wallMs = Math.round(performance.now() - startedAt);
    const truncated = stdout.cut || stderr.cut;
    return { exitCode, signal: endSignal, timedOut, stdout: stdout.text, stderr: stderr.text, truncated, wallMs };
  } finally {
    clearTimeout(limit);
    signal.removeEventListener('abort', group.start);
    // Also what it left running behind itself.
    group.now();
  }
};

const start = (program: string, args: string[], cwd: string, env: Readonly<Record<string, string>>) => {
  try {
    // A group of its own, so that all of it can be ended at once.
    return spawn(program, args, { cwd, env: { ...env }, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  } catch (error) {
    // Some of the system's refusals are thrown here, such as too long a list of arguments; others come as an event.
    throw new Stopped(notStarted(program, error as NodeJS.ErrnoException), { cause: error });
  }
};

/** More is kept than is given out, so that no secret is cut in two and no longer known. */
const slackBytes = 16 * 1_024;

interface Kept {
  readonly text: string;
  readonly cut: boolean;
}

const lastOf = (tail: Tail, { tailBytes, masked }: Command): Kept => {
  const text = Buffer.from(masked(tail.text()));
  const last = newTail(tailBytes);
  last.push(text);
  return { text: last.text(), cut: tail.truncated() || last.truncated() };
};

interface GroupKill {
  /** Asks, and insists after a while. */
  start(): void;
  now(): void;
}

const newGroupKill = (group: number | undefined): GroupKill => {
  let insist: NodeJS.Timeout | undefined;
  if (group !== undefined) keep(group);
  return {
    start: () => {
      if (group === undefined) return;
      kill(group, 'SIGTERM');
      insist ??= setTimeout(() => kill(group, 'SIGKILL'), termGraceMs);
    },
    now: () => {
      clearTimeout(insist);
      if (group === undefined) return;
      kill(group, 'SIGKILL');
      letGo(group);
    },
  };
};

const ended = (
  child: ChildProcess,
  killNow: () => void,
): Promise<{ exitCode: number | null; endSignal: NodeJS.Signals | null }> =>
  new Promise((resolve, fail) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      fail(new Stopped(notStarted(child.spawnfile, error), { cause: error })),
    );
    child.once('exit', (exitCode, endSignal) => {
      // Something in the background may hold the output open for ever.
      const linger = setTimeout(() => {
        killNow();
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, lingerMs);
      child.once('close', () => {
        clearTimeout(linger);
        resolve({ exitCode, endSignal });
      });
    });
  });

const notStarted = (program: string, error: NodeJS.ErrnoException) => {
  if (error.code === 'ENOENT')
    return reject(
      'command_not_found',
      `"${program}" is not on the path of this agent, or its working directory is not there.`,
    );
  if (error.code === 'EACCES') return reject('command_not_executable', `"${program}" may not be executed.`);
  return reject('command_not_started', `"${program}" could not be started: ${error.message}`);
};
