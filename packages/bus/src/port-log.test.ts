// Reading in order, without acknowledgements: what a coordinator stands on.
import assert from 'node:assert/strict';
import { isBusError } from './error.ts';
import type { Bus, Message, Running } from './port.ts';
import { Heard, inBothWorlds, text } from './worlds.ts';

const say = (bus: Bus, from: number, to: number) =>
  Promise.all(
    Array.from({ length: to - from }, (_, n) =>
      bus.once({
        subject: bus.names.event((from + n) % 4, `task-${from + n}`, 'submitted', 'token'),
        data: String(from + n),
      }),
    ),
  );
const events = (bus: Bus) => bus.log(bus.names.streams.events);
const upTo = (last: number, from = 1): number[] => Array.from({ length: last - from + 1 }, (_, n) => from + n);

inBothWorlds(
  'a reader gets all there is, then what comes, in order, and hears when nothing is pending',
  {},
  async (_, bus) => {
    await say(bus, 0, 1_200);
    const heard = new Heard<number>();
    const idle = new Heard<number>();
    await events(bus).read({ after: 0, on: ({ seq }) => heard.add(seq), onIdle: () => idle.add(heard.all.length) });
    await heard.count(1_200);
    await idle.until(() => idle.all.includes(1_200));
    await say(bus, 1_200, 1_300);
    assert.deepEqual(await heard.count(1_300), upTo(1_300));
  },
);

inBothWorlds('a reader of nothing is idle at once', {}, async (_, bus) => {
  const idle = new Heard<string>();
  await events(bus).read({ after: 0, on: () => {}, onIdle: () => idle.add('idle') });
  await idle.count(1);
});

inBothWorlds('several processes read the same stream, each all of it', {}, async (world, bus) => {
  const readers = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const heard = new Heard<number>();
      await events(await world.connect()).read({ after: 0, on: ({ seq }) => heard.add(seq) });
      return heard;
    }),
  );
  await say(bus, 0, 1_500);
  for (const heard of readers) assert.deepEqual(await heard.count(1_500), upTo(1_500));
});

inBothWorlds('a reader takes only its subjects, and only what comes after', {}, async (_, bus) => {
  await say(bus, 0, 40);
  const heard = new Heard<Message>();
  await events(bus).read({ subjects: [bus.names.events(1), bus.names.events(3)], after: 20, on: heard.add });
  const seqs = (await heard.count(10)).map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    upTo(40, 21).filter((seq) => (seq - 1) % 2 === 1),
  );
  assert.equal(heard.all[0]?.subject, bus.names.event(1, 'task-21', 'submitted', 'token'));
});

inBothWorlds('a reader may start by time', {}, async (_, bus) => {
  await say(bus, 0, 10);
  const since = ((await events(bus).at(10))?.at ?? 0) + 1;
  while (Date.now() <= since) await new Promise(setImmediate);
  await say(bus, 10, 15);
  const heard = new Heard<number>();
  await events(bus).read({ after: 0, since, on: ({ seq }) => heard.add(seq) });
  assert.deepEqual(await heard.count(5), upTo(15, 11));
});

inBothWorlds('a reader goes on where another one stopped', {}, async (_, bus) => {
  await say(bus, 0, 700);
  const first = new Heard<number>();
  const reading: Running = await events(bus).read({
    after: 0,
    on: ({ seq }) => {
      first.add(seq);
      if (seq === 333) void reading.stop();
    },
  });
  await first.count(333);
  await reading.stop();
  const after = first.all.length;
  const second = new Heard<number>();
  await events(bus).read({ after: first.all[after - 1] as number, on: ({ seq }) => second.add(seq) });
  await second.count(700 - after);
  assert.deepEqual([...first.all, ...second.all], upTo(700));
});

inBothWorlds(
  'the order holds, and nothing is lost or stored twice, while the server is killed again and again',
  {},
  async (world, bus) => {
    const reader = await world.connect();
    const heard = new Heard<number>();
    await events(reader).read({ after: 0, on: ({ seq }) => heard.add(seq) });
    const said: Promise<unknown>[] = [];
    let n = 0;
    const speaking = setInterval(() => {
      said.push(say(bus, n, n + 20));
      n += 20;
    }, 5);
    try {
      for (let round = 1; round <= 3; round++) {
        await heard.count(round * 300);
        await world.kill();
        assert.ok(!(await stays(() => reader.connected())));
        await world.start();
      }
      await heard.count(1_500);
    } finally {
      clearInterval(speaking);
    }
    await Promise.all(said);
    await heard.count(n);
    assert.deepEqual(heard.all, upTo(n));
    assert.equal((await events(bus).info()).last, n);
  },
);

inBothWorlds('the newest of a subject, one by sequence, and what is not there', {}, async (_, bus) => {
  await say(bus, 0, 8);
  const log = events(bus);
  assert.equal((await log.last(bus.names.events(2)))?.seq, 7);
  assert.equal(text((await log.at(3))?.data ?? Buffer.of()), '2');
  assert.equal(await log.last(bus.names.events(9)), null);
  assert.equal(await log.at(99), null);
});

inBothWorlds('what is forgotten is gone, by subject and below a sequence', {}, async (_, bus) => {
  await say(bus, 0, 20);
  const log = events(bus);
  assert.equal(await log.forget({ subject: bus.names.events(1), before: 11 }), 3);
  assert.equal(await log.at(2), null);
  assert.ok(await log.at(14));
  assert.equal(await log.forget({ before: 11 }), 7);
  const info = await log.info();
  assert.deepEqual([info.first, info.last, info.messages], [11, 20, 10]);
  assert.ok(info.bytes > 0);
  assert.ok(info.bytesMax === 0 || info.bytesMax > info.bytes);
});

inBothWorlds('headers alone, with the size of what is left out', {}, async (_, bus) => {
  await bus.once({ subject: bus.names.event(1, 'a', 'submitted', 't'), data: 'abc', headers: { 'X-A': '1' } });
  const heard = new Heard<Message>();
  await events(bus).read({ after: 0, headersOnly: true, on: heard.add });
  const [message] = await heard.count(1);
  assert.deepEqual([message?.data.length, message?.header('Nats-Msg-Size'), message?.header('X-A')], [0, '3', '1']);
});

inBothWorlds('a work queue is not read in order', {}, async (_, bus) => {
  await assert.rejects(bus.log(bus.names.streams.tasks).read({ after: 0, on: () => {} }), (error) => isBusError(error));
});

/** Whether it is still so after a while; false as soon as it is not. */
const stays = async (so: () => boolean): Promise<boolean> => {
  for (const end = Date.now() + 5_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 5)))
    if (!so()) return false;
  return true;
};
