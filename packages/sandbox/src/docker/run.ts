// One command in a container made for it: attach, start, read what it prints to the end, and know for sure how it ended.
import type { Duplex } from 'node:stream';
import { pause, reject, retry, Stopped } from '@capstan/kit';
import type { Container, ContainerInspectInfo } from 'dockerode';
import type { Capture } from '../capture.ts';
import type { CommandResult } from '../sandbox.ts';
import type { Containers } from './containers.ts';
import { type Beside, watchDisk } from './disk.ts';
import { type Engine, saidBy, statusOf } from './engine.ts';
import { type Frame, frames } from './frames.ts';
import { unstartable } from './in-time.ts';

export interface Running {
  readonly container: Container;
  readonly stdin: string | Uint8Array | undefined;
  readonly timeoutMs: number | undefined;
  readonly disk: { readonly mb: number; readonly beside: Beside };
  readonly signal: AbortSignal;
  readonly capture: Capture;
}

/** Between asking a command to end and ending it. */
const termGraceMs = 1_000;
/** What is still on its way from a container that has ended. */
const restMs = 5_000;
const lookEveryMs = 2_000;

export const runContainer = async (
  engine: Engine,
  containers: Containers,
  { container, stdin, timeoutMs, disk, signal, capture }: Running,
): Promise<CommandResult> => {
  const { settle } = engine;
  signal.throwIfAborted();
  const stream = await attach(engine, container, stdin !== undefined);
  const startedAt = performance.now();
  try {
    const draining = drain(stream, ({ stream: name, data }) => capture.push(name, data));
    await begin(containers, container);
    if (stdin !== undefined) stream.end(stdin);

    const ending = new AbortController();
    const over = untilOver(engine, container, ending.signal);
    let timedOut = false;
    const kill = (name: string) => settle('end a command', container.kill({ signal: name })).catch(() => {});
    const end = async (): Promise<void> => {
      await kill('SIGTERM');
      await Promise.race([over, pause(termGraceMs, ending.signal)]);
      await kill('SIGKILL');
    };
    const onLimit = () => {
      timedOut = true;
      void end();
    };
    const onAbort = () => void end();
    let tooMuchMb: number | null = null;
    const unwatch = watchDisk(engine, container, disk, (usedMb) => {
      tooMuchMb = usedMb;
      void end();
    });
    const limit = timeoutMs === undefined ? undefined : setTimeout(onLimit, timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await over;
    } finally {
      clearTimeout(limit);
      unwatch();
      ending.abort();
      signal.removeEventListener('abort', onAbort);
    }
    const { State } = await look(engine, container);
    await untilDrained(draining);
    if (tooMuchMb !== null) throw new Stopped(outOfDisk(tooMuchMb, disk.mb));
    const kept = capture.result();
    refuseUnstartable(State.ExitCode, kept.stderr);
    const wallMs = Math.round(performance.now() - startedAt);
    const stopped = timedOut || signal.aborted;
    return {
      exitCode: stopped ? null : State.ExitCode,
      signal: stopped ? (State.ExitCode === 143 ? 'SIGTERM' : 'SIGKILL') : null,
      timedOut,
      // The engine's word for it: 137 is also what a program may end with by itself, and a child that is killed may go unnoticed.
      outOfMemory: State.OOMKilled,
      ...kept,
      wallMs,
    };
  } finally {
    // A paused reader would hold up the container, and one that was never started keeps its connection.
    stream.destroy();
  }
};

export const attach = async ({ ask }: Engine, container: Container, stdin: boolean): Promise<Duplex> => {
  const stream = (await ask(
    'attach to a container',
    container.attach({ stream: true, stdin, stdout: true, stderr: true, hijack: true }),
  )) as unknown as Duplex;
  // A command that does not read its input closes it early; that is its right.
  stream.on('error', () => {});
  return stream;
};

export const drain = async (stream: Duplex, on: (frame: Frame) => void): Promise<void> => {
  try {
    for await (const frame of frames(stream)) on(frame);
  } catch {
    // Cut off: how the command ends is asked for elsewhere, since the end of its output is not the end of it.
  }
};

const begin = async (containers: Containers, container: Container): Promise<void> => {
  try {
    await containers.start(container);
  } catch (error) {
    throw statusOf(error) === undefined ? error : new Stopped(notStarted(saidBy(error)), { cause: error });
  }
};

export const outOfDisk = (usedMb: number, diskMb: number) =>
  reject(
    'out_of_disk',
    `The files of this task have ${usedMb} MB, and sandbox.disk_mb gives it ${diskMb}; the command was ended.`,
  );

/** Seen where the engine is out of something for the moment. A program that is not there is found out only inside. */
const notStarted = (said: string) => retry('command_not_started', said);

/** The init process says so, or the shell that goes to the folder of the command, and ends with what shells end with. */
const refuseUnstartable = (exitCode: number, stderr: string): void => {
  if (exitCode !== 126 && exitCode !== 127) return;
  const [, program, why] =
    unstartable.exec(stderr) ??
    /^\[FATAL tini \(\d+\)\] exec (.*) failed: (.*)$/m.exec(stderr) ??
    /^\/sandbox\/workspace\S*: (?:line )?\d+: exec: (.*): (not found|Permission denied)$/m.exec(stderr) ??
    [];
  if (program === undefined) return;
  throw new Stopped(
    exitCode === 127
      ? reject('command_not_found', `"${program}" is not in the image that this step runs in.`)
      : reject('command_not_executable', `"${program}" may not be executed: ${why}.`),
  );
};

/** Waits for the rest of what a command wrote, but not for a grandchild that holds the pipe open; also where the work was stopped. */
export const untilDrained = async (draining: Promise<unknown>): Promise<void> => {
  const enough = new AbortController();
  await Promise.race([draining, pause(restMs, enough.signal)]);
  enough.abort();
};

/** Waits for the end of a container, and looks for itself now and then: waiting never ends where its connection was cut. */
const untilOver = async (engine: Engine, container: Container, signal: AbortSignal): Promise<void> => {
  const waiting = container.wait({ abortSignal: signal }).then(
    () => true,
    () => new Promise<true>(() => {}),
  );
  while (!signal.aborted) {
    if (await Promise.race([waiting, pause(lookEveryMs, signal).then(() => false)])) return;
    if (signal.aborted) return;
    try {
      const { State } = await look(engine, container);
      if (!State.Running) return;
    } catch (error) {
      // The engine may be starting again; a container that it no longer has is another matter.
      if (!(error instanceof Stopped) || error.outcome.code === 'sandbox_lost') throw error;
    }
  }
};

export const lost = retry('sandbox_lost', 'The container of this command was taken away while it ran.');

export const look = async ({ ask }: Engine, container: Container): Promise<ContainerInspectInfo> => {
  try {
    return await ask('look at a container', container.inspect(), 10_000);
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    throw new Stopped(lost, { cause: error });
  }
};
