// What the bus costs, against a server of its own: messages a second, and processor time of this process for each.
//   node packages/bus/src/bench.ts [--strict]
import { randomBytes } from 'node:crypto';
import { canonical, sha256 } from './canonical.ts';
import { decode } from './decode.ts';
import { connect, strictBatching } from './nats/connect.ts';
import { prepare } from './nats/prepare.ts';
import { startNatsServer } from './testing.ts';
import { keyRingOf, newKeys } from './tokens.ts';

const strict = process.argv.includes('--strict');
await using server = await startNatsServer({ strict });
await using bus = await connect({ url: server.url, batch: strict ? strictBatching : null });
await prepare(bus);
const { names } = bus;
const body = JSON.stringify({ v: 1, text: 'x'.repeat(150) });
const token = 'ABCDEFGHIJKLMNOPQRSTUV';

const measure = async (what: string, count: number, act: () => Promise<void> | void): Promise<void> => {
  const before = process.cpuUsage();
  const started = performance.now();
  await act();
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(before);
  const each = ((user + system) / count).toFixed(2);
  process.stdout.write(
    `${what.padEnd(34)} ${(count / seconds / 1_000).toFixed(1).padStart(8)} k/s ${each.padStart(9)} µs CPU each\n`,
  );
};

const pipelined = (what: string, count: number, width: number, say: (n: number) => Promise<unknown>): Promise<void> =>
  measure(`${what}, ${width} at a time`, count, async () => {
    let n = 0;
    await Promise.all(
      Array.from({ length: width }, async () => {
        while (n < count) await say(n++);
      }),
    );
  });

const event = (n: number) => ({ subject: names.event(n % 32, `task-${n}`, 'submitted', token), data: body });
const many = strict ? 40_000 : 150_000;
await pipelined('once', many, 1_000, (n) => bus.once(event(n)));
await pipelined('once, said before', many, 1_000, (n) => bus.once(event(n)));
await pipelined('once', 2_000, 1, (n) => bus.once(event(many + n)));

const store = bus.store(names.buckets.tasks);
await pipelined('set', 10_000, 128, (n) => store.set({ key: `a-${n}`, data: body, expect: 0 }));
await pipelined('set 100 together (of keys)', 200, 4, (n) =>
  store.setAll(Array.from({ length: 100 }, (_, at) => ({ key: `b-${n}-${at}`, data: body, expect: 0 }))),
);
await pipelined('get', 20_000, 64, (n) => store.get(`a-${n % 10_000}`));

const log = bus.log(names.streams.events);
const { last } = await log.info();
await measure('read in order', last, () => {
  return new Promise<void>((resolve, reject) => {
    log.read({ after: 0, on: ({ seq }) => seq === last && resolve() }).catch(reject);
  });
});

await bus.openQueue('executor');
const orders = strict ? 20_000 : 50_000;
await pipelined('orders', orders, 1_000, (n) =>
  bus.once({ subject: names.order('executor', `task-${n}`, 's', 1), data: body }),
);
await measure('take and acknowledge', orders, () => {
  let done = 0;
  return new Promise<void>((resolve, reject) => {
    const on = (delivery: { ack(): Promise<void> }): void =>
      void delivery.ack().then(() => ++done === orders && resolve(), reject);
    bus.takeOrders('executor', 256, on).catch(reject);
  });
});

const ring = keyRingOf(newKeys());
const subjects = Array.from({ length: 100_000 }, (_, n) => event(n).subject);
await measure('sign', subjects.length, () => subjects.forEach((subject) => void ring.sign('k1', subject)));
await measure('check', subjects.length, () => subjects.forEach((subject) => void ring.check('k1', subject, token)));
const small = Buffer.from(
  JSON.stringify({ v: 1, task_id: 'a', output: { text: 'x'.repeat(500), list: [1, 2, { a: null }] } }),
);
const large = Buffer.from(
  JSON.stringify({
    steps: Array.from({ length: 2_000 }, (_, n) => ({ id: `s-${n}`, text: randomBytes(60).toString('hex') })),
  }),
);
await measure(`decode ${small.length} B`, 100_000, () => {
  for (let n = 0; n < 100_000; n++) decode(small);
});
await measure(`decode ${large.length} B`, 200, () => {
  for (let n = 0; n < 200; n++) decode(large);
});
const value = JSON.parse(large.toString()) as unknown;
await measure(`canonical and hash ${large.length} B`, 100, () => {
  for (let n = 0; n < 100; n++) sha256(canonical(value));
});
