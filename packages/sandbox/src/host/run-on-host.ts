// Runs a command on this host, as this user: no sandbox at all, so it is refused unless the configuration allows it by name.
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { reject, Stopped } from '@capstan/kit';
import type { Capture } from '../capture.ts';
import type { CommandResult } from '../sandbox.ts';
import { keep, kill, letGo } from './groups.ts';

export interface HostCommand {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** The whole of its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array | undefined;
  /** What it reads from descriptor 3. */
  readonly more?: string | undefined;
  /** Ends it, with everything that it has started. */
  readonly signal: AbortSignal;
  readonly timeoutMs?: number | undefined;
  readonly capture: Capture;
}

/** Between asking a process group to end and ending it. */
const termGraceMs = 1_000;
/** What a command started may hold its output open after it has ended. */
const lingerMs = 500;

/** Throws `Stopped` where the command can't be started; any exit code is a result. */
export const runOnHost = async (command: HostCommand): Promise<CommandResult> => {
  const { argv, cwd, env, signal, timeoutMs, capture } = command;
  signal.throwIfAborted();
  const [program, ...args] = argv;
  const startedAt = performance.now();
  const child = start(program, args, cwd, env, command.more);
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (chunk: Buffer) => capture.push(stream, chunk));
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
    const wallMs = Math.round(performance.now() - startedAt);
    return { exitCode, signal: endSignal, timedOut, outOfMemory: false, ...capture.result(), wallMs };
  } finally {
    clearTimeout(limit);
    signal.removeEventListener('abort', group.start);
    // Also what it left running behind itself.
    group.now();
  }
};

const start = (
  program: string,
  args: string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  more: string | undefined,
) => {
  try {
    // A group of its own, so that all of it can be ended at once.
    const options = { cwd, env: { ...env }, detached: true };
    if (more === undefined) return spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
    const child = spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
    const pipe = child.stdio[3] as Writable;
    // A program that ends before it has read it says so by its exit code.
    pipe.on('error', () => {});
    pipe.end(more);
    return child as ChildProcessWithoutNullStreams;
  } catch (error) {
    // Some of the system's refusals are thrown here, such as too long a list of arguments; others come as an event.
    throw new Stopped(notStarted(program, error as NodeJS.ErrnoException), { cause: error });
  }
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
