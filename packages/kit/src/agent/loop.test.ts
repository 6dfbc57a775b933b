// Orders from a real server, worked on by the loop.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { decodeTrusted } from '@capstan/bus';
import type { AgentRecord, LogLine, Progress } from '@capstan/contracts';
import { z } from 'zod';
import { defineAgent } from '../define-agent.ts';
import { done, park, reject, retry } from '../outcome.ts';
import { newAgentWorld } from '../testing.ts';

const untilAborted = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort');
};

test('an order becomes a report, and then it is acknowledged', async () => {
  await using world = await newAgentWorld();
  const agent = defineAgent({ queue: 'q', capabilities: ['echo'], run: async (order) => done(order.input) });
  await world.start(agent);
  const order = await world.order({ queue: 'q', capability: 'echo', input: { a: [1] } });
  const report = await world.report(order);
  assert.deepEqual(
    [report.outcome, report.output, report.lease, report.attempt],
    ['succeeded', { a: [1] }, 'lease-t1', 1],
  );
  assert.match(report.agent, /^q\.[0-9a-f]{8}$/);
  assert.equal(typeof report.usage?.wall_ms, 'number');
});

test('each outcome is said in its own way', async () => {
  await using world = await newAgentWorld();
  const outcomes = {
    retry: () => retry('busy', 'later', { afterMs: 1_500 }),
    reject: () =>
      reject('no', 'never', { findings: [{ severity: 'major', category: 'test', message: 'm' }], output: { seen: 1 } }),
    park: () => park({ text: 'Which?', schema: { type: 'string' }, expiresMs: 5_000, state: { at: 2 } }),
    grow: () => done({}, { addSteps: [{ id: 'more', capability: 'noop' }], usage: { tokens_in: 3 } }),
    nothing: () => done(undefined),
    badOutput: () => done({ big: 1n }),
    badSteps: () => done({}, { addSteps: 'x' as never }),
  };
  const agent = defineAgent({
    queue: 'q',
    capabilities: Object.keys(outcomes),
    run: async (order) => outcomes[order.capability as keyof typeof outcomes](),
  });
  await world.start(agent);
  const report = async (capability: keyof typeof outcomes) =>
    world.report(await world.order({ queue: 'q', capability }));
  assert.deepEqual((await report('retry')).error, {
    code: 'busy',
    message: 'later',
    retryable: true,
    retry_after_ms: 1_500,
  });
  const rejected = await report('reject');
  assert.deepEqual([rejected.outcome, rejected.error?.retryable, rejected.output], ['failed', false, { seen: 1 }]);
  assert.equal(rejected.findings?.[0]?.message, 'm');
  const parked = await report('park');
  assert.deepEqual(parked.question, {
    text: 'Which?',
    schema: { type: 'string' },
    expires_ms: 5_000,
    state: { at: 2 },
  });
  const grown = await report('grow');
  assert.deepEqual([grown.add_steps, grown.usage?.tokens_in], [[{ id: 'more', capability: 'noop' }], 3]);
  assert.deepEqual((await report('nothing')).output, {});
  assert.equal((await report('badOutput')).error?.code, 'invalid_output');
  assert.equal((await report('badSteps')).error?.code, 'invalid_report');
});

test('a throw is a failure that may be tried again', async () => {
  await using world = await newAgentWorld();
  await world.start(defineAgent({ queue: 'q', capabilities: ['x'], run: () => Promise.reject(new Error('oops')) }));
  const report = await world.report(await world.order({ queue: 'q', capability: 'x' }));
  assert.deepEqual(report.error, { code: 'crashed', message: 'oops', retryable: true });
});

test('the report is stored before the order is acknowledged', async () => {
  await using world = await newAgentWorld();
  await world.start(defineAgent({ queue: 'q', capabilities: ['x'], run: async () => done() }));
  const acks: { reported: boolean }[] = [];
  const { promise: acked, resolve } = Promise.withResolvers<void>();
  let reported = false;
  world.bus.listen(world.bus.names.events(), () => {
    reported = true;
  });
  world.bus.listen('$JS.ACK.>', (wire) => {
    if (!Buffer.from(wire.data).toString().startsWith('+ACK')) return;
    acks.push({ reported });
    resolve();
  });
  await world.order({ queue: 'q', capability: 'x' });
  await acked;
  assert.deepEqual(acks, [{ reported: true }]);
});

test('the time limit ends an attempt with code timeout', async () => {
  await using world = await newAgentWorld();
  const run = async (_: unknown, { signal }: { signal: AbortSignal }) => {
    await untilAborted(signal);
    return done({ never: 'counted' });
  };
  await world.start(defineAgent({ queue: 'q', capabilities: ['x'], run }));
  const short = await world.report(await world.order({ queue: 'q', capability: 'x', timeout_ms: 20 }));
  assert.deepEqual(
    [short.outcome, short.error?.code, short.error?.retryable, short.output],
    ['failed', 'timeout', true, undefined],
  );
  const past = await world.report(
    // It waited for as long as that; its time begins as it is handed out, and is over soon.
    await world.order({
      ...{ queue: 'q', capability: 'x', timeout_ms: 20 },
      deadline: new Date(Date.now() - 1_000).toISOString(),
    }),
  );
  assert.equal(past.error?.code, 'timeout');
});

test('what waited in its queue for longer than it may take has its whole time once it is handed out', async () => {
  await using world = await newAgentWorld();
  await world.start(defineAgent({ queue: 'q', capabilities: ['x'], run: async () => done({ in: 'time' }) }));
  const deadline = new Date(Date.now() - 1_000).toISOString();
  const report = await world.report(await world.order({ queue: 'q', capability: 'x', timeout_ms: 20_000, deadline }));
  assert.deepEqual([report.outcome, report.output], ['succeeded', { in: 'time' }]);
});

test('a cancelled attempt is told to stop and reported as cancelled', async () => {
  await using world = await newAgentWorld();
  const { names } = world.bus;
  const { promise: started, resolve } = Promise.withResolvers<Progress>();
  let cleanedUp = false;
  const agent = defineAgent({
    queue: 'q',
    capabilities: ['x'],
    run: async (_, { signal }) => {
      await untilAborted(signal);
      cleanedUp = true;
      return done();
    },
  });
  await world.start(agent);
  world.bus.listen(names.progresses, (wire) => resolve(decodeTrusted(wire.data) as Progress));
  const order = await world.order({ queue: 'q', capability: 'x' });
  assert.deepEqual([(await started).kind, (await started).attempt], ['started', 1]);
  const cancel = (attempt: number) =>
    world.bus.tell(
      names.cancel(order.task_id, order.step_id),
      JSON.stringify({ attempt, reason: 'r', force_at: new Date(Date.now() + 10_000).toISOString() }),
    );
  cancel(2);
  cancel(1);
  assert.equal((await world.report(order)).outcome, 'cancelled');
  assert.equal(cleanedUp, true);
});

test('an order that was cancelled before it came is not begun', async () => {
  await using world = await newAgentWorld();
  const { names } = world.bus;
  let begun = 0;
  const run = async () => {
    begun++;
    return done();
  };
  const { bus } = await world.start(defineAgent({ queue: 'q', capabilities: ['x'], run }));
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  bus.listen(names.cancels, () => resolve());
  const force_at = new Date(Date.now() + 10_000).toISOString();
  // The server has taken both subscriptions once it answers anything.
  await bus.log(names.streams.orders).info();
  world.bus.tell(names.cancel('early', 's'), JSON.stringify({ attempt: 1, reason: 'r', force_at }));
  await heard;
  const report = await world.report(await world.order({ queue: 'q', capability: 'x', task_id: 'early' }));
  assert.equal(report.outcome, 'cancelled');
  assert.equal(begun, 0);
});

test('drained, an agent takes nothing more, finishes what it can, and hands the rest back without spending an attempt', async () => {
  await using world = await newAgentWorld();
  const gates = new Map<string, () => void>();
  const began = new Map<string, PromiseWithResolvers<void>>([
    ['quick', Promise.withResolvers()],
    ['slow', Promise.withResolvers()],
  ]);
  const agent = defineAgent({
    queue: 'q',
    capabilities: ['x'],
    run: async (order, { signal }) => {
      began.get(order.step_id)?.resolve();
      await Promise.race([untilAborted(signal), new Promise<void>((open) => gates.set(order.step_id, open))]);
      return done({ by: 'first' });
    },
  });
  const { names } = world.bus;
  const healths: unknown[] = [];
  const { promise: removed, resolve: onRemoved } = Promise.withResolvers<void>();
  await world.bus.store(names.buckets.agents).watch((entry) => {
    healths.push(entry.gone ? 'gone' : (decodeTrusted(entry.data) as AgentRecord).health);
    if (entry.gone) onRemoved();
  });
  const first = await world.start(agent, { CAPSTAN_INSTANCE: 'one' });
  const quick = await world.order({ queue: 'q', capability: 'x', step_id: 'quick' });
  const slow = await world.order({ queue: 'q', capability: 'x', step_id: 'slow' });
  await Promise.all([...began.values()].map(({ promise }) => promise));
  const drained = first.drain(1_100);
  gates.get('quick')?.();
  assert.deepEqual((await world.report(quick)).output, { by: 'first' });
  await drained;
  await removed;
  assert.deepEqual([...new Set(healths)], ['ok', 'draining', 'gone']);
  await world.start(defineAgent({ queue: 'q', capabilities: ['x'], run: async () => done({ by: 'second' }) }));
  const report = await world.report(slow);
  assert.deepEqual([report.output, report.attempt], [{ by: 'second' }, 1]);
});

test('an agent announces itself with what it can do and how busy it is', async () => {
  await using world = await newAgentWorld();
  const { names } = world.bus;
  const { promise, resolve } = Promise.withResolvers<AgentRecord>();
  await world.bus
    .store(names.buckets.agents)
    .watch((entry) => entry.key === 'pool.i1' && !entry.gone && resolve(decodeTrusted(entry.data) as AgentRecord));
  const agent = defineAgent({
    queue: 'q',
    domain: 'build',
    capabilities: ['a', 'b'],
    tags: { gpu: 'no' },
    settings: { extra: z.string().default('e') },
    run: async (_, context) => done({ extra: context.config.own.extra }),
  });
  const file = `${world.server.dir}/capstan.yaml`;
  const { writeFile } = await import('node:fs/promises');
  await writeFile(file, 'q:\n  queue: pool\n  capabilities: [a]\n  tags: { gpu: a100 }\n');
  await world.start(agent, { CAPSTAN_INSTANCE: 'i1', CAPSTAN_CONCURRENCY: '7', CAPSTAN_CONFIG: file });
  const record = await promise;
  const { queue, instance, domain, capabilities, tags, concurrency, busy, health } = record;
  assert.deepEqual(
    { queue, instance, domain, capabilities, concurrency, busy, health },
    {
      queue: 'pool',
      instance: 'i1',
      domain: 'build',
      capabilities: ['a'],
      concurrency: 7,
      busy: 0,
      health: 'ok',
    },
  );
  assert.deepEqual(tags, { os: process.platform, arch: process.arch, gpu: 'a100' });
  assert.deepEqual((await world.report(await world.order({ queue: 'pool', capability: 'a' }))).output, { extra: 'e' });
});

test('output of the work is in the stream of logs before the report', async () => {
  await using world = await newAgentWorld();
  await world.start(
    defineAgent({
      queue: 'q',
      capabilities: ['x'],
      run: async (_, context) => {
        context.output('stdout', 'one\ntwo');
        return done();
      },
    }),
  );
  const order = await world.order({ queue: 'q', capability: 'x' });
  await world.report(order);
  const line = decodeTrusted(
    (await world.bus.log(world.bus.names.streams.logs).last(world.bus.names.log(order.task_id, 's')))
      ?.data as Uint8Array,
  );
  const { text, stream, attempt, seq } = line as LogLine;
  assert.deepEqual([text, stream, attempt, seq], ['one\ntwo', 'stdout', 1, 1]);
});

test('a report outlives a server that goes away, and the work is not done twice', async () => {
  await using world = await newAgentWorld();
  let runs = 0;
  const { promise: open, resolve } = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const run = async () => {
    runs++;
    began.resolve();
    await open;
    return done({ after: 'all' });
  };
  await world.start(defineAgent({ queue: 'q', capabilities: ['x'], run }));
  const order = await world.order({ queue: 'q', capability: 'x' });
  await began.promise;
  await world.server.kill();
  resolve();
  await world.server.start();
  assert.deepEqual((await world.report(order)).output, { after: 'all' });
  assert.equal(runs, 1);
});

test('what is no order becomes a dead letter with its bytes, and is not delivered again', async () => {
  await using world = await newAgentWorld();
  const { names } = world.bus;
  let runs = 0;
  const run = async () => {
    runs++;
    return done();
  };
  await world.start(defineAgent({ queue: 'q', capabilities: ['x'], run }));
  const acked = Promise.withResolvers<void>();
  let acks = 0;
  world.bus.listen('$JS.ACK.>', (wire) => {
    if (Buffer.from(wire.data).toString().startsWith('+ACK') && ++acks === 6) acked.resolve();
  });
  const good = await world.order({ queue: 'q', capability: 'x', task_id: 'good' });
  await world.report(good);
  const bodies = {
    'not-json': '{"task_id":',
    'no-order': '{"task_id":"no-order"}',
    'other-task': JSON.stringify({ ...good, step_id: 's' }),
    'report-elsewhere': JSON.stringify({ ...good, task_id: 'report-elsewhere', report_to: 'capstan.order.q.x.y.1' }),
    future: JSON.stringify({ ...good, task_id: 'future', v: 2 }),
  };
  for (const [task, body] of Object.entries(bodies)) {
    await world.bus.once({ subject: names.order('q', task, 's', 1), data: body });
    const letter = await world.first(names.streams.dlq, (message) => message.header('Dlq-Task') === task);
    assert.equal(letter.header('Dlq-Reason'), task === 'future' ? 'unsupported_version' : 'malformed', task);
    assert.equal(Buffer.from(letter.data).toString(), body);
    assert.equal(letter.header('Dlq-Subject'), names.order('q', task, 's', 1));
    assert.equal(letter.header('Dlq-Step'), 's');
  }
  await acked.promise;
  assert.equal(runs, 1);
});

test('work that takes longer than the silence allowed is not delivered again while it goes on', async () => {
  await using world = await newAgentWorld();
  await world.openQueue('q', 1_000);
  let runs = 0;
  const run = async () => {
    runs++;
    await new Promise((over) => setTimeout(over, 2_500));
    return done();
  };
  await world.start(defineAgent({ queue: 'q', capabilities: ['x'], run }));
  await world.start(defineAgent({ queue: 'q', capabilities: ['x'], run }));
  await world.report(await world.order({ queue: 'q', capability: 'x', heartbeat_ms: 1_000 }));
  assert.equal(runs, 1);
});

test('an order that is delivered again to the process that has it is worked on once, and both deliveries are acknowledged', async () => {
  await using world = await newAgentWorld();
  await world.openQueue('q', 300);
  let runs = 0;
  const acked = Promise.withResolvers<void>();
  let acks = 0;
  world.bus.listen('$JS.ACK.>', (wire) => {
    if (Buffer.from(wire.data).toString().startsWith('+ACK') && ++acks === 2) acked.resolve();
  });
  const run = async () => {
    runs++;
    // Silent for longer than allowed: nothing else in this process moves meanwhile, no heartbeat either.
    for (const until = performance.now() + 900; performance.now() < until; );
    return done();
  };
  await world.start(defineAgent({ queue: 'q', capabilities: ['x'], run }));
  await world.report(await world.order({ queue: 'q', capability: 'x' }));
  await acked.promise;
  assert.equal(runs, 1);
});

test('no more orders are worked on at a time than there are slots', async () => {
  await using world = await newAgentWorld();
  let running = 0;
  let most = 0;
  const run = async () => {
    most = Math.max(most, ++running);
    await world.bus.log(world.bus.names.streams.orders).info();
    running--;
    return done();
  };
  const orders = await Promise.all(Array.from({ length: 20 }, () => world.order({ queue: 'q', capability: 'x' })));
  await world.start(defineAgent({ queue: 'q', capabilities: ['x'], concurrency: 3, run }));
  for (const order of orders) await world.report(order);
  assert.equal(most, 3);
});
