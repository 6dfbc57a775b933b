// A command in a container that stands ready. The engine tells of its end by its output, which something in the background may hold open, so it is
// asked too; and nothing but the end of the whole container ends a command for sure.
import type { Duplex } from 'node:stream';
import { pause, reject, Stopped } from '@capstan/kit';
import type { Exec } from 'dockerode';
import type { CommandResult } from '../sandbox.ts';
import { watchDisk } from './disk.ts';
import { type Engine, statusOf } from './engine.ts';
import { unstartable } from './in-time.ts';
import { drain, look, lost, outOfDisk, type Running, untilDrained } from './run.ts';

export interface WarmRunning extends Running {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const lookEveryMs = 500;

/** Null where the container is not there any more, and nothing was begun. */
export const runWarm = async (engine: Engine, running: WarmRunning): Promise<CommandResult | null> => {
  const { container, stdin, timeoutMs, disk, signal, capture } = running;
  const { settle } = engine;
  signal.throwIfAborted();
  const startedAt = performance.now();
  const begun = await begin(engine, running);
  if (!begun) return null;
  const { exec, stream } = begun;
  stream.on('error', () => {});
  const draining = drain(stream, ({ stream: name, data }) => capture.push(name, data));
  if (stdin !== undefined) stream.end(stdin);
  let timedOut = false;
  let tooMuchMb: number | null = null;
  const kill = () => void settle('end a command', container.kill({ signal: 'SIGKILL' })).catch(() => {});
  const limit = timeoutMs === undefined ? undefined : setTimeout(() => ((timedOut = true), kill()), timeoutMs);
  const unwatch = watchDisk(engine, container, disk, (usedMb) => {
    tooMuchMb = usedMb;
    kill();
  });
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  const over = new AbortController();
  try {
    const ended = draining.then(() => true as const);
    while (!(await Promise.race([ended, pause(lookEveryMs, over.signal).then(() => false)])))
      if (!(await isRunning(engine, exec))) break;
    await untilDrained(draining);
    const { ExitCode } = await inspected(engine, exec);
    // Only of a container that has ended does the engine say whether its memory was used up.
    await settle('end a container', container.kill({ signal: 'SIGKILL' }));
    await settle('wait for a container', container.wait());
    const { State } = await look(engine, container);
    if (tooMuchMb !== null) throw new Stopped(outOfDisk(tooMuchMb, disk.mb));
    const kept = capture.result();
    refuseUnstartable(ExitCode, kept.stdout, kept.stderr);
    const stopped = timedOut || signal.aborted;
    return {
      exitCode: stopped ? null : (ExitCode ?? 137),
      signal: stopped ? 'SIGKILL' : null,
      timedOut,
      outOfMemory: State.OOMKilled,
      ...kept,
      wallMs: Math.round(performance.now() - startedAt),
    };
  } finally {
    over.abort();
    clearTimeout(limit);
    unwatch();
    signal.removeEventListener('abort', kill);
    stream.destroy();
  }
};

const begin = async ({ ask }: Engine, { container, argv, env, stdin }: WarmRunning) => {
  try {
    const exec = await ask(
      'run a command',
      container.exec({
        Cmd: [...argv],
        Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
        AttachStdin: stdin !== undefined,
        AttachStdout: true,
        AttachStderr: true,
      }),
    );
    const stream: Duplex = await ask('run a command', exec.start({ hijack: true, stdin: stdin !== undefined }));
    return { exec, stream };
  } catch (error) {
    if (statusOf(error) === 404 || statusOf(error) === 409) return null;
    throw error;
  }
};

const inspected = async ({ ask }: Engine, exec: Exec) => {
  try {
    return await ask('look at a command', exec.inspect(), 10_000);
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    throw new Stopped(lost, { cause: error });
  }
};

const isRunning = async (engine: Engine, exec: Exec): Promise<boolean> => {
  try {
    return (await inspected(engine, exec)).Running;
  } catch (error) {
    // A cut connection is not the end: asked again.
    if (error instanceof Stopped && error.outcome.code !== lost.code) return true;
    throw error;
  }
};

/** The engine itself says so, in the place of the command. */
const refuseUnstartable = (exitCode: number | null, said: string, stderr: string): void => {
  if (exitCode !== 126 && exitCode !== 127) return;
  const [whole = '', program] =
    unstartable.exec(stderr) ??
    /^OCI runtime exec failed: .*exec: "([^"]*)": (?:executable file not found|permission denied)/m.exec(said) ??
    [];
  if (program === undefined) return;
  throw new Stopped(
    /permission denied/i.test(whole)
      ? reject('command_not_executable', `"${program}" may not be executed.`)
      : reject('command_not_found', `"${program}" is not in the image that this step runs in.`),
  );
};
