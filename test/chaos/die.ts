// Preloaded into a process that is to die (`node --import`): looks at what it says to the NATS server, and ends it by SIGKILL at the point that
// CAPSTAN_CHAOS_FATE names. The product knows nothing of it.
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Frames } from './frames.ts';
import { fateOf, watchFor } from './points.ts';

const text = process.env['CAPSTAN_CHAOS_FATE'];

const die = (): never => {
  writeSync(2, `${JSON.stringify({ level: 'info', msg: 'fate', fate: text })}\n`);
  process.kill(process.pid, 'SIGKILL');
  throw new Error('the signal is on its way');
};

if (text !== undefined) {
  const watch = watchFor(fateOf(text));
  const said = new WeakMap<Socket, Frames>();
  const heard = new WeakMap<Socket, Frames>();
  const of = (all: WeakMap<Socket, Frames>, socket: Socket): Frames => {
    let found = all.get(socket);
    if (found === undefined) all.set(socket, (found = new Frames()));
    return found;
  };
  const { write, push } = Socket.prototype;

  Socket.prototype.write = function (this: Socket, chunk: Uint8Array | string, ...more: never[]): boolean {
    if (this.remotePort === undefined || typeof chunk === 'string') return write.call(this, chunk, ...more);
    const begun = of(said, this).rest.length;
    let at = 0;
    for (const frame of of(said, this).push(chunk)) {
      const next = watch.out(frame);
      const end = Math.max(0, at + frame.bytes.length - begun);
      // What stands before it in the same piece has left, as it would have a moment earlier.
      if (next === 'now') write.call(this, chunk.subarray(0, Math.max(0, at - begun)));
      if (next === 'after') write.call(this, chunk.subarray(0, end));
      if (next !== 'go') die();
      at += frame.bytes.length;
    }
    return write.call(this, chunk, ...more);
  } as typeof write;

  Socket.prototype.push = function (this: Socket, chunk: Uint8Array | null, ...more: never[]): boolean {
    if (chunk !== null && this.remotePort !== undefined)
      for (const frame of of(heard, this).push(chunk)) if (watch.in(frame)) die();
    return push.call(this, chunk, ...more);
  } as typeof push;
}
