// A question to whoever listens, over a way that may break: what was on its way when it broke, question or answer, may be lost, so the question is
// put again once the way is open. It has one id however often it is put. The same over NATS and in memory.
import { BusError, isBusError } from './error.ts';
import type { Wire } from './port.ts';

/** What happens to a way. */
export interface Watcher {
  broke?(): void;
  /** It is open again. */
  restart(): void;
  /** For good. */
  closed?(): void;
}

export interface Passage {
  now(): number;
  later(ms: number, act: () => void): () => void;
  isOpen(): boolean;
  watch(watcher: Watcher): () => void;
  /** Puts the question once. Rejects where nobody listens, or nobody has answered in that time. */
  put(withinMs: number): Promise<Wire>;
}

/** Whoever answers comes back a moment later than we may do. */
const againMs = 250;

/** The header with the id of a question: a stream takes it once, and so may whoever makes something of it. */
export const questionId = 'Nats-Msg-Id';

export const asking = (subject: string, timeoutMs: number, passage: Passage): Promise<Wire> =>
  new Promise((resolve, reject) => {
    const deadline = passage.now() + timeoutMs;
    let broken = !passage.isOpen();
    let tries = 0;
    let isOver = false;
    const finish = (act: () => void): void => {
      if (isOver) return;
      isOver = true;
      unwatch();
      endWait();
      act();
    };
    const fail = (why: string): void => finish(() => reject(new BusError('unavailable', `${subject}: ${why}.`)));
    const put = (): void => {
      tries += 1;
      const mine = tries;
      passage.put(Math.max(1, deadline - passage.now())).then(
        (wire) => finish(() => resolve(wire)),
        (error: unknown) => {
          // It was put again since, or waits for that.
          if (isOver || mine !== tries) return;
          const mayComeBack = broken && isBusError(error, 'unavailable') && passage.now() + againMs < deadline;
          if (!mayComeBack) finish(() => reject(error as Error));
          else passage.later(againMs, () => void (!isOver && mine === tries && passage.isOpen() && put()));
        },
      );
    };
    const unwatch = passage.watch({
      broke: () => {
        broken = true;
        tries += 1;
      },
      restart: () => {
        if (!isOver) put();
      },
      closed: () => fail('the connection was closed before anybody answered'),
    });
    const endWait = passage.later(timeoutMs, () =>
      fail(`no answer in ${timeoutMs} ms${passage.isOpen() ? '' : '; the server is not in reach'}`),
    );
    if (!broken) put();
  });
