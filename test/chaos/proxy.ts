// A TCP proxy between a client and a NATS server: passes everything, until it is told to cut, to delay, to fall silent, to lose answers, or
// to say something else. It cuts between messages, so what comes through is always well formed.
import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Frame, Frames } from './frames.ts';

/** From client to server, or back. */
export type Direction = 'up' | 'down';

/** Gives what is to be passed on; null for nothing. */
export type Edit = (frame: Frame, direction: Direction) => Buffer | null;

export interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** Ends every connection; new ones are welcome. */
  cut(): void;
  /** Everything comes so much later; 0 is at once. */
  delay(ms: number): void;
  /** Half open: the connection stays, and nothing comes through this way. What came meanwhile is lost, and the connection with it. */
  silence(direction: Direction | 'both' | 'none'): void;
  edit(edit: Edit | null): void;
  /** How many messages were not passed on as they were. */
  readonly edited: number;
}

export const startProxy = async (portOf: () => number): Promise<Proxy> => {
  const open = new Set<{ readonly end: () => void; stained: boolean }>();
  let delayMs = 0;
  let silent: Direction | 'both' | 'none' = 'none';
  let edit: Edit | null = null;
  let edited = 0;

  const join = (near: Socket): void => {
    const far = dial({ port: portOf(), host: '127.0.0.1' });
    const pair = {
      stained: false,
      end: () => {
        near.destroy();
        far.destroy();
        open.delete(pair);
      },
    };
    open.add(pair);
    pass(near, far, 'up', pair);
    pass(far, near, 'down', pair);
  };

  const pass = (from: Socket, to: Socket, direction: Direction, pair: { stained: boolean; end: () => void }): void => {
    const frames = new Frames();
    // In order, also where the delay has just become shorter.
    let tail = Promise.resolve();
    from.setNoDelay(true);
    from.on('data', (chunk: Buffer) => {
      const whole = frames.push(chunk);
      if (silent === 'both' || silent === direction) {
        pair.stained = true;
        return;
      }
      const kept = whole.flatMap((frame) => {
        const said = edit === null ? frame.bytes : edit(frame, direction);
        if (said !== frame.bytes) edited += 1;
        return said === null ? [] : [said];
      });
      if (kept.length === 0) return;
      const bytes = Buffer.concat(kept);
      const due = Date.now() + delayMs;
      tail = tail.then(async () => {
        if (due > Date.now()) await sleep(due - Date.now());
        if (!to.destroyed) to.write(bytes);
      });
    });
    from.on('error', () => {});
    from.on('close', pair.end);
  };

  const server = createServer(join).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const cut = () => {
    for (const pair of open) pair.end();
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    cut,
    delay: (ms) => void (delayMs = ms),
    silence: (direction) => {
      silent = direction;
      // A client would not get over a gap that TCP does not know either: such a connection is at its end.
      if (direction === 'none') for (const pair of open) if (pair.stained) pair.end();
    },
    edit: (next) => void (edit = next),
    get edited() {
      return edited;
    },
    [Symbol.asyncDispose]: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
};
