// Questions while the server goes and comes back: waited for, asked again, and given up when their time is over.
import assert from 'node:assert/strict';
import { isBusError } from './error.ts';
import type { Bus, Wire } from './port.ts';
import { Heard, inBothWorlds, text, type World } from './worlds.ts';

const subjectIn = (bus: Bus): string => bus.names.progress('task', 'step');

/** Somebody who hears every question, and answers those that `answers` says. */
const listener = async (world: World, answers: (count: number) => boolean) => {
  const other = await world.connect();
  const heard = new Heard<{ id: string | undefined; text: string }>();
  other.listen(other.names.progresses, (wire: Wire) => {
    heard.add({ id: wire.header('Nats-Msg-Id'), text: text(wire.data) });
    if (wire.reply !== null && answers(heard.all.length)) other.tell(wire.reply, `answer ${heard.all.length}`);
  });
  // A round trip: the server knows of it by then.
  await other.ask('nobody', '').catch(() => {});
  return heard;
};

inBothWorlds('what is asked while the server is away is asked once it is back', {}, async (world, bus) => {
  await listener(world, () => true);
  await world.kill();
  // Some before the client has seen it, some after.
  const answers = [];
  for (let at = 0; at < 20; at += 1) {
    answers.push(bus.ask(subjectIn(bus), `${at}`, 30_000));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await world.start();
  for (const { data } of await Promise.all(answers)) assert.match(text(data), /^answer/);
});

inBothWorlds('what the server took with it is asked again, under the same id', {}, async (world, bus) => {
  const heard = await listener(world, (count) => count > 1);
  const answer = bus.ask(subjectIn(bus), 'question', 30_000);
  await heard.count(1);
  await world.kill();
  await world.start();
  assert.equal(text((await answer).data), 'answer 2');
  const [first, second] = heard.all;
  assert.deepEqual([first?.text, second?.text], ['question', 'question']);
  assert.ok(first?.id !== undefined && first.id.length > 3);
  assert.equal(second?.id, first.id);
  await bus.ask(subjectIn(bus), 'another');
  assert.notEqual(heard.all[2]?.id, first.id);
});

inBothWorlds('a server that stays away is said to be away when the time is over', {}, async (world, bus) => {
  await world.kill();
  await assert.rejects(
    bus.ask(subjectIn(bus), '', 500),
    (error) =>
      isBusError(error, 'unavailable') && error.message.endsWith('no answer in 500 ms; the server is not in reach.'),
  );
});

inBothWorlds('who closes the connection waits for no answer', {}, async (world, bus) => {
  await listener(world, () => false);
  const asking = assert.rejects(bus.ask(subjectIn(bus), '', 30_000), (error) => isBusError(error, 'unavailable'));
  await bus.close();
  await asking;
});

inBothWorlds(
  'what nobody answers after a break is given up when its time is over, and not before',
  {},
  async (world, bus) => {
    const other = await world.connect();
    await world.kill();
    const asking = bus.ask(subjectIn(bus), '', 30_000);
    const inVain = assert.rejects(bus.ask(bus.names.api('task', 'get'), '', 3_000), (error) =>
      isBusError(error, 'unavailable'),
    );
    await world.start();
    await inVain;
    // Whoever comes back later is found.
    other.listen(other.names.progresses, ({ reply }) => void (reply !== null && other.tell(reply, 'late')));
    assert.equal(text((await asking).data), 'late');
  },
);
