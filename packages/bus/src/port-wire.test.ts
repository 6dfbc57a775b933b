// Core messages: at once, to whoever listens; requests and who answers them.
import assert from 'node:assert/strict';
import { isBusError } from './error.ts';
import type { Wire } from './port.ts';
import { Heard, inBothWorlds, text } from './worlds.ts';

const unavailable = (error: unknown): boolean => isBusError(error, 'unavailable');

inBothWorlds('what is told reaches every listener, and one of each group', {}, async (world, bus) => {
  const heard = new Heard<string>();
  const others = [await world.connect(), await world.connect()];
  for (const other of others) {
    other.listen(bus.names.cancels, ({ subject, data, header }) =>
      heard.add(`each ${subject} ${text(data)} ${header('x-a')}`),
    );
    other.listen(bus.names.cancels, () => heard.add('group'), 'agents');
    // A round trip: what was subscribed before it is known to the server by then.
    await other.ask('nobody', '').catch(() => {});
  }
  bus.tell(bus.names.cancel('task', 'step'), 'stop', { 'X-A': '1' });
  await heard.count(3);
  assert.deepEqual(heard.all.sort(), [...Array(2).fill(`each ${bus.names.cancel('task', 'step')} stop 1`), 'group']);
});

inBothWorlds('who stopped listening hears nothing more', {}, async (_, bus) => {
  const heard = new Heard<string>();
  const first = bus.listen(bus.names.progresses, () => heard.add('first'));
  bus.listen(bus.names.progresses, () => heard.add('second'));
  await first.stop();
  bus.tell(bus.names.progress('task', 'step'), '');
  assert.deepEqual(await heard.count(1), ['second']);
});

inBothWorlds('a service answers, each request once, whoever of its processes hears it', {}, async (world, bus) => {
  let answered = 0;
  for (let process = 0; process < 2; process++) {
    const server = await world.connect();
    await server.serve({
      name: 'capstan',
      version: '0.1.0',
      description: 'test',
      endpoints: [
        {
          name: 'task',
          subject: bus.names.api('task', '>'),
          on: async ({ subject, data }: Wire) => ({ data: `${++answered} ${subject} ${text(data)}` }),
        },
        {
          name: 'agent',
          subject: bus.names.api('agent', 'list'),
          on: async () => ({ data: '{}', error: { code: 404, message: 'Nobody\r\nhere.' } }),
        },
        { name: 'broken', subject: bus.names.api('dlq', 'list'), on: () => Promise.reject(new Error('secret')) },
      ],
    });
    await server.ask('nobody', '').catch(() => {});
  }
  const wire = await bus.ask(bus.names.api('task', 'get'), 'hello');
  assert.equal(text(wire.data), `1 ${bus.names.api('task', 'get')} hello`);
  await Promise.all(Array.from({ length: 20 }, () => bus.ask(`${bus.names.api('task', 'list')}.alice`, '')));
  assert.equal(answered, 21);
  const refused = await bus.ask(bus.names.api('agent', 'list'), '');
  assert.deepEqual(
    [refused.header('Nats-Service-Error-Code'), refused.header('Nats-Service-Error')],
    ['404', 'Nobody here.'],
  );
  const broken = await bus.ask(bus.names.api('dlq', 'list'), '');
  assert.equal(broken.header('Nats-Service-Error-Code'), '500');
  assert.ok(!text(broken.data).includes('secret'));
});

inBothWorlds('nobody to answer, or nobody in time, is said to be so', {}, async (_, bus) => {
  await assert.rejects(bus.ask(bus.names.api('task', 'get'), '', 2_000), unavailable);
  bus.listen(bus.names.api('task', 'get'), () => {});
  const started = Date.now();
  await assert.rejects(bus.ask(bus.names.api('task', 'get'), '', 200), unavailable);
  assert.ok(Date.now() - started >= 190);
});

inBothWorlds('a request at the plain door is answered as stored', {}, async (_, bus) => {
  const answer = JSON.parse(text((await bus.ask(bus.names.submit('acme'), '{"title":"a"}')).data)) as {
    stream: string;
    seq: number;
  };
  assert.deepEqual([answer.stream, answer.seq], [bus.names.streams.tasks, 1]);
});

inBothWorlds(
  'whoever is asked knows where to answer; who is only told has nobody to answer',
  {},
  async (world, bus) => {
    const other = await world.connect();
    const replies = new Heard<boolean>();
    other.listen(bus.names.progresses, ({ reply }) => {
      replies.add(reply !== null);
      if (reply !== null) other.tell(reply, 'here');
    });
    await other.ask('nobody', '').catch(() => {});
    const subject = bus.names.progress('task', 'step');
    assert.equal(text((await bus.ask(subject, '')).data), 'here');
    bus.tell(subject, '');
    await replies.count(2);
    assert.deepEqual(replies.all, [true, false]);
  },
);
