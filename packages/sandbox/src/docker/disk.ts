// How much the files of a task take, looked at while a command runs. The engine has no quota for volumes on most machines, so this is a limit
// that is noticed a little late: a single file is held to it at once, by the kernel, and all of them together by looking the more often the
// faster they grow.
import type { Container } from 'dockerode';
import { usedBeside } from './beside.ts';
import { type Engine, statusOf } from './engine.ts';
import { frames } from './frames.ts';
import { places } from './options.ts';

const firstMs = 500;
const soonestMs = 250;
const latestMs = 3_000;
/** A command that takes longer is also looked at by somebody from whom it can hide nothing; that costs a container. */
const besideAfterMs = 2_000;

/** Has a container beside that of a command for as long as `use` takes. */
export type Beside = (container: Container, use: (beside: Container) => Promise<void>) => void;

export interface Look {
  readonly usedMb: number;
  /** Since the look before, or since it began. */
  readonly grownMb: number;
  readonly elapsedMs: number;
  /** Counting many files takes time, and processors. */
  readonly tookMs: number;
}

/** In half the time that is left at the rate seen; and what looks is not what keeps the machine busy. */
export const nextLookMs = ({ usedMb, grownMb, elapsedMs, tookMs }: Look, diskMb: number): number => {
  const leftMs = grownMb > 0 ? ((diskMb - usedMb) * elapsedMs) / grownMb : Number.POSITIVE_INFINITY;
  return Math.max(soonestMs, tookMs * 10, Math.min(latestMs, leftMs / 2));
};

/** Calls back once when it is too much. Returns how to stop looking. */
export const watchDisk = (
  engine: Engine,
  container: Container,
  { mb: diskMb, beside }: { readonly mb: number; readonly beside: Beside },
  onOver: (usedMb: number) => void,
): (() => void) => {
  let timer: NodeJS.Timeout;
  let stopped = false;
  let stands: Container | null = null;
  const over = Promise.withResolvers<void>();
  const stand = async (one: Container): Promise<void> => {
    stands = one;
    await over.promise;
  };
  const standing = setTimeout(() => beside(container, stand), besideAfterMs);
  // What was there before is not known, and may as well have been written just now.
  let last = { usedMb: 0, atMs: performance.now() };
  const look = async (): Promise<void> => {
    const beganMs = performance.now();
    const deep = stands && (await usedBeside(engine, stands).catch(() => null));
    const usedMb = deep ?? (await used(engine, container).catch(() => null));
    if (stopped) return;
    if (usedMb !== null && usedMb > diskMb) return onOver(usedMb);
    const atMs = performance.now();
    const seen = usedMb ?? last.usedMb;
    const next = nextLookMs(
      { usedMb: seen, grownMb: seen - last.usedMb, elapsedMs: atMs - last.atMs, tookMs: atMs - beganMs },
      diskMb,
    );
    last = { usedMb: seen, atMs };
    timer = setTimeout(() => void look(), next);
  };
  timer = setTimeout(() => void look(), firstMs);
  return () => {
    stopped = true;
    clearTimeout(timer);
    clearTimeout(standing);
    over.resolve();
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
