// Every name of the contract, letter by letter: other people's programs spell them out.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { namesOf, parseEventSubject, parseOrderSubject } from './names.ts';

const names = namesOf();

test('streams', () => {
  assert.deepEqual(names.streams, {
    events: 'CAPSTAN_EVENTS',
    orders: 'CAPSTAN_ORDERS',
    tasks: 'CAPSTAN_TASKS',
    dlq: 'CAPSTAN_DLQ',
    logs: 'CAPSTAN_LOGS',
    advisories: 'CAPSTAN_ADVISORIES',
  });
});

test('buckets', () => {
  assert.deepEqual(names.buckets, {
    tasks: 'capstan_tasks',
    tools: 'capstan_tools',
    answers: 'capstan_answers',
    agents: 'capstan_agents',
    inbox: 'capstan_inbox',
    members: 'capstan_members',
    keys: 'capstan_keys',
    artifacts: 'capstan_artifacts',
  });
});

test('subjects that other programs use', () => {
  assert.equal(names.submit(), 'capstan.task.submit');
  assert.equal(names.submit('acme'), 'capstan.task.submit.acme');
  assert.deepEqual(names.submits, ['capstan.task.submit', 'capstan.task.submit.*']);
  assert.equal(names.order('executor', 'feature-1087', 'unit', 1), 'capstan.order.executor.feature-1087.unit.1');
  assert.equal(names.orders('executor'), 'capstan.order.executor.>');
  assert.equal(names.notice('acme', 'feature-1087', 'succeeded'), 'capstan.notice.acme.feature-1087.succeeded');
  assert.equal(
    names.stepNotice('acme', 'feature-1087', 'unit', 'running'),
    'capstan.notice.acme.feature-1087.step.unit.running',
  );
  assert.equal(names.notices(), 'capstan.notice.*.*.>');
  assert.equal(names.notices('acme', 'feature-1087'), 'capstan.notice.acme.feature-1087.>');
  assert.equal(names.progress('feature-1087', 'unit'), 'capstan.progress.feature-1087.unit');
  assert.equal(names.cancel('feature-1087', 'unit'), 'capstan.cancel.feature-1087.unit');
  assert.equal(names.log('feature-1087', 'unit'), 'capstan.log.feature-1087.unit');
  assert.equal(names.dlq('executor', 'retries_exhausted', 'd1'), 'capstan.dlq.executor.retries_exhausted.d1');
});

test('every verb of the API', () => {
  const verbs = {
    task: ['submit', 'get', 'list', 'cancel', 'pause', 'resume', 'execute', 'retry', 'skip', 'report', 'events'],
    inbox: ['list', 'get', 'approve', 'reject', 'answer'],
    agent: ['list'],
    template: ['list', 'get', 'render'],
    finding: ['list', 'resolve'],
    dlq: ['list', 'get', 'redrive', 'drop'],
    schedule: ['put', 'list', 'delete'],
  };
  for (const [noun, all] of Object.entries(verbs)) {
    for (const verb of all) assert.equal(names.api(noun, verb), `capstan.api.${noun}.${verb}`);
  }
  assert.equal(names.apis, 'capstan.api.>');
});

test('subjects between our own services', () => {
  assert.equal(
    names.event(7, 'feature-1087', 'report', 'executor', 'unit', 1),
    'capstan.event.7.feature-1087.report.executor.unit.1',
  );
  assert.equal(names.events(), 'capstan.event.>');
  assert.equal(names.events(7), 'capstan.event.7.>');
  assert.equal(names.eventsOfTask(7, 'feature-1087'), 'capstan.event.7.feature-1087.>');
  assert.equal(names.orders(), 'capstan.order.>');
  assert.equal(names.dlqs, 'capstan.dlq.>');
  assert.equal(names.logs, 'capstan.log.>');
  assert.equal(names.progresses, 'capstan.progress.>');
  assert.equal(names.cancels, 'capstan.cancel.>');
  assert.equal(names.owner(7), 'capstan.owner.7');
  assert.deepEqual(names.advisories, [
    '$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.CAPSTAN_ORDERS.>',
    '$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.CAPSTAN_ORDERS.>',
  ]);
});

describe('another namespace', () => {
  const staging = namesOf('staging-2');

  test('stands in front of every name', () => {
    assert.equal(staging.streams.events, 'STAGING-2_EVENTS');
    assert.equal(staging.buckets.tasks, 'staging-2_tasks');
    assert.equal(staging.submit('acme'), 'staging-2.task.submit.acme');
    assert.equal(staging.order('q', 't', 's', 2), 'staging-2.order.q.t.s.2');
    assert.equal(staging.api('task', 'get'), 'staging-2.api.task.get');
    assert.equal(staging.advisories[0], '$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.STAGING-2_ORDERS.>');
  });

  test('shares no name with any other, however alike they look', () => {
    const all = (namespace: string) => {
      const { streams, buckets, submits } = namesOf(namespace);
      return [...Object.values(streams), ...Object.values(buckets).map((bucket) => `KV_${bucket}`), ...submits];
    };
    const alike = ['a', 'a-b', 'a_b', 'ab', 'kv_a', 'a_tasks'];
    const every = alike.flatMap(all);
    assert.equal(new Set(every).size, every.length);
    assert.throws(() => namesOf('A-b'), /lower-case/, 'its streams would be those of "a-b"');
  });

  test('must be a plain token', () => {
    for (const bad of ['', 'a.b', '*', '>', 'a b', '$JS', '_a', '-a', 'ä', 'x'.repeat(33)]) {
      assert.throws(() => namesOf(bad), /namespace/, JSON.stringify(bad));
    }
  });
});

describe('reading a subject back', () => {
  test('an event says its partition, task, kind, name and token', () => {
    const subject = `${names.event(7, 'feature-1087', 'report', 'executor', 'unit', 1)}.tok`;
    assert.deepEqual(parseEventSubject(names, subject), {
      partition: 7,
      task: 'feature-1087',
      kind: 'report',
      name: ['executor', 'unit', '1'],
      token: 'tok',
    });
    assert.deepEqual(parseEventSubject(names, `${names.event(0, 't', 'submitted')}.tok`)?.name, []);
  });

  test('an order says its queue, task, step and attempt', () => {
    assert.deepEqual(parseOrderSubject(names, names.order('executor', 'feature-1087', 'unit', 3)), {
      queue: 'executor',
      task: 'feature-1087',
      step: 'unit',
      attempt: 3,
    });
  });

  test('anything else is none of ours', () => {
    const events = [
      '',
      'capstan',
      'other.event.7.t.submitted.tok',
      'capstan.order.7.t.submitted.tok',
      'capstan.event.7.t.submitted',
    ];
    for (const bad of [
      ...events,
      'capstan.event..t.submitted.tok',
      'capstan.event.7..submitted.tok',
      'capstan.event.7.t..tok',
    ]) {
      assert.equal(parseEventSubject(names, bad), null, bad);
    }
    const orders = [
      '',
      'other.order.q.t.s.1',
      'capstan.order.q.t.s',
      'capstan.order.q.t.s.1.2',
      'capstan.order..t.s.1',
    ];
    for (const bad of [...orders, 'capstan.order.q.t.s.']) assert.equal(parseOrderSubject(names, bad), null, bad);
  });

  test('a number has one spelling, so no second subject can stand for the same thing', () => {
    for (const number of ['07', '-7', '+7', '0x7', '7e0', ' 7', '٧', '9'.repeat(20)]) {
      assert.equal(parseEventSubject(names, `capstan.event.${number}.t.submitted.tok`), null, number);
      assert.equal(parseOrderSubject(names, `capstan.order.q.t.s.${number}`), null, number);
    }
  });
});
