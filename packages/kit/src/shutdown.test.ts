import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { newLog } from './log.ts';
import { newShutdown } from './shutdown.ts';

const silent = newLog({ service: 's', instance: 'i', level: 'silent' });

const fixture = (drainMs = 1_000, supervised = false) => {
  const from = new EventEmitter();
  const exits = new EventEmitter();
  const codes: number[] = [];
  const exit = (code: number) => {
    codes.push(code);
    exits.emit('exit');
  };
  const time = { now: 0 };
  const process = from as unknown as NodeJS.Process;
  const shutdown = newShutdown({ log: silent, drainMs, exit, from: process, supervised, now: () => time.now });
  return { from, exits, codes, shutdown, time };
};

test('the first signal drains, the last registered first, and exits with 0', async () => {
  const { from, exits, codes, shutdown } = fixture();
  const order: string[] = [];
  shutdown.onDrain('bus', () => void order.push('bus'));
  shutdown.onDrain('work', async () => void order.push('work'));
  from.emit('SIGTERM');
  assert.equal(shutdown.signal.aborted, true);
  await once(exits, 'exit');
  assert.deepEqual(order, ['work', 'bus']);
  assert.deepEqual(codes, [0]);
});

test('a second signal ends at once', () => {
  const { from, codes, shutdown, time } = fixture();
  shutdown.onDrain('work', () => new Promise(() => {}));
  from.emit('SIGINT');
  time.now += 1_000;
  from.emit('SIGINT');
  assert.deepEqual(codes, [130]);
});

test('the same signal, sent to the group and passed on as well, is one', () => {
  const { from, codes, shutdown, time } = fixture();
  shutdown.onDrain('work', () => new Promise(() => {}));
  from.emit('SIGTERM');
  time.now += 20;
  from.emit('SIGTERM');
  assert.deepEqual(codes, []);
});

test('a part that fails does not keep the others from draining', async () => {
  const { from, exits, codes, shutdown } = fixture();
  let closed = false;
  shutdown.onDrain('bus', () => void (closed = true));
  shutdown.onDrain('work', () => Promise.reject(new Error('no')));
  from.emit('SIGTERM');
  await once(exits, 'exit');
  assert.equal(closed, true);
  assert.deepEqual(codes, [0]);
});

test('a drain that lingers is cut off at the limit, with 1', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { from, codes, shutdown } = fixture(1_000);
  shutdown.onDrain('work', () => new Promise(() => {}));
  from.emit('SIGTERM');
  t.mock.timers.tick(2_999);
  assert.deepEqual(codes, []);
  t.mock.timers.tick(1);
  assert.deepEqual(codes, [1]);
});

test('under a supervisor, Ctrl-C waits for the supervisor to say so', async () => {
  const { from, exits, codes, shutdown } = fixture(1_000, true);
  const exited = once(exits, 'exit');
  from.emit('SIGINT');
  from.emit('SIGINT');
  assert.equal(shutdown.signal.aborted, false);
  from.emit('SIGTERM');
  await exited;
  assert.deepEqual(codes, [0]);
});

test('a process drains when its supervisor is gone', async () => {
  const { from, exits, codes, shutdown } = fixture(1_000, true);
  const exited = once(exits, 'exit');
  from.emit('disconnect');
  assert.equal(shutdown.signal.aborted, true);
  await exited;
  assert.deepEqual(codes, [0]);
});
