// Whether commands can run just now: an engine answers, it can hold what it is asked to hold, and the base image is there. Looked at again and
// again, so that work goes on by itself once somebody has started what was missing.
import { pause, retry, Stopped } from '@capstan/kit';
import type { WorkContext } from '../sandbox.ts';
import { type Engine, statusOf } from './engine.ts';

export interface Presence {
  wrong(): string | null;
  /** Waits for it a while. Throws `Stopped` where it doesn't come. */
  there(context: Pick<WorkContext, 'signal' | 'progress'>): Promise<void>;
  end(): void;
}

export interface PresenceParts {
  readonly engine: Engine;
  readonly image: string;
  /** Each time that it has come. */
  readonly onThere: () => void;
}

const lookEveryMs = 2_000;
const fullEveryMs = 30_000;
const answerMs = 5_000;
/** An engine that is started again is mostly back within this; after it, the step waits for one elsewhere too. */
const patienceMs = 15_000;
const againMs = 5_000;

/** Has looked once when it resolves. */
export const newPresence = async ({ engine, image, onThere }: PresenceParts): Promise<Presence> => {
  let why: string | null = notLooked;
  let looking: Promise<void> | null = null;
  let fullyMs = -Infinity;
  const look = (): Promise<void> => {
    // All of it costs the engine more than a word, and is true for a while.
    const isFull = why !== null || performance.now() - fullyMs > fullEveryMs;
    if (isFull) fullyMs = performance.now();
    return (looking ??= (isFull ? whatIsWrong(engine, image) : whetherItAnswers(engine))
      .then((found) => {
        const came = why !== null && found === null;
        why = found;
        if (came) onThere();
      })
      .finally(() => (looking = null)));
  };
  await look();
  const timer = setInterval(() => void look(), lookEveryMs).unref();
  return {
    wrong: () => why,
    there: async ({ signal, progress }) => {
      for (const until = Date.now() + patienceMs; why !== null; ) {
        await look();
        if (why === null) return;
        signal.throwIfAborted();
        if (Date.now() > until) throw new Stopped(retry('sandbox_unavailable', why, { afterMs: againMs }));
        progress(0, `Waiting for the sandbox: ${why}`);
        await pause(lookEveryMs, signal);
      }
    },
    end: () => clearInterval(timer),
  };
};

const notLooked = 'The Docker Engine has not answered yet.';

const whatIsWrong = async ({ docker, ask }: Engine, image: string): Promise<string | null> => {
  try {
    const info = (await ask('say what it can do', docker.info(), answerMs)) as Record<string, unknown>;
    const cannot = (['MemoryLimit', 'PidsLimit', 'CpuCfsQuota'] as const).filter((name) => info[name] === false);
    if (cannot.length > 0)
      return `The Docker Engine here cannot limit what a command uses (${cannot.join(', ')} missing), so nothing is run on it.`;
  } catch (error) {
    return noAnswer(error);
  }
  try {
    await ask('look at an image', docker.getImage(image).inspect(), answerMs);
    return null;
  } catch (error) {
    if (statusOf(error) !== 404)
      return `Commands need a sandbox, and the Docker Engine fails: ${(error as Error).message}`;
    return `Commands need a sandbox, and the Docker Engine has no image "${image}". Make it with: npm run sandbox:image`;
  }
};

const whetherItAnswers = async ({ docker, ask }: Engine): Promise<string | null> => {
  try {
    await ask('answer', docker.ping(), answerMs);
    return null;
  } catch (error) {
    return noAnswer(error);
  }
};

const noAnswer = (error: unknown): string =>
  `Commands need a sandbox, and ${reasonOf(error)} Start a Docker Engine that this user may use (on Debian, deploy/docker-engine.sh as root), or run them on this host, as this user, with --unsafe-host-shell (CAPSTAN_UNSAFE_HOST_SHELL=1). More: docs/sandbox.md.`;

const reasonOf = (error: unknown): string => {
  const cause = (error as { cause?: NodeJS.ErrnoException }).cause ?? (error as NodeJS.ErrnoException);
  if (cause.code === 'EACCES') return 'this user may not use the Docker Engine here.';
  if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') return 'no Docker Engine answers here.';
  return `the Docker Engine does not answer (${cause.message}).`;
};
