// How much the files of a task take, looked at while a command runs. The engine has no quota for volumes on most machines, so this is a limit
// that is noticed a little late: a single file is held to it at once, by the kernel, and all of them together within seconds.
import type { Container } from 'dockerode';
import { type Engine, statusOf } from './engine.ts';
import { frames } from './frames.ts';
import { places } from './options.ts';

const firstMs = 1_000;
const thenMs = 5_000;

/** Calls back once when it is too much. Returns how to stop looking. */
export const watchDisk = (
  engine: Engine,
  container: Container,
  diskMb: number,
  onOver: (usedMb: number) => void,
): (() => void) => {
  let timer: NodeJS.Timeout;
  let stopped = false;
  const look = async (): Promise<void> => {
    const usedMb = await used(engine, container).catch(() => null);
    if (stopped) return;
    if (usedMb !== null && usedMb > diskMb) return onOver(usedMb);
    timer = setTimeout(() => void look(), thenMs);
  };
  timer = setTimeout(() => void look(), firstMs);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
};

/** Null where it can't be told: an image without `du`, or a command that has taken every process it may have. */
const used = async ({ ask }: Engine, container: Container): Promise<number | null> => {
  try {
    const command = { Cmd: ['du', '-sxm', places.volume], AttachStdout: true, AttachStderr: true };
    const exec = await ask('look at the disk', container.exec(command));
    const stream = await ask('look at the disk', exec.start({ hijack: true, stdin: false }));
    let text = '';
    for await (const frame of frames(stream)) if (frame.stream === 'stdout') text += frame.data.toString();
    return /^(\d+)\s/.test(text) ? Number.parseInt(text, 10) : null;
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    return null;
  }
};
