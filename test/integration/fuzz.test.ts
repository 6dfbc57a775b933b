// Submissions bent at random, from one seed: each is accepted or answered with a structured error, or becomes one dead letter; the coordinator
// lives through all of them, and what it accepted is in the log as it was sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { apiError, dlqHeaders, dlqReasons, errorCodes, submitted } from '@capstan/contracts';
import { audit } from './support/audit.ts';
import { echoed } from './support/echo.ts';
import { newId, startWorld } from './support/world.ts';

const seed = Number(process.env['CAPSTAN_FUZZ_SEED'] ?? 20_261_120);
const runs = Number(process.env['CAPSTAN_FUZZ_RUNS'] ?? 400);

const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 12 }),
  fc.integer({ min: 1, max: 6_000 }).map((length) => 'x'.repeat(length)),
  fc.constantFrom(
    '',
    '.',
    '*',
    '>',
    'a.b',
    '__proto__',
    'constructor',
    'toString',
    '${{ steps.a.output }}',
    '${{',
    '${{ steps.constructor.output }}',
    '\ud800',
    '\u202e',
    'true',
    '1/0',
    '-1',
    '_x',
    '2026-02-30',
    '0',
    'a'.repeat(64),
  ),
);
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.constantFrom<unknown>(null, true, false, 0, -0, -1, 1.5, 1e308, 2 ** 53, [], {}, [[]], [null], {
    $secret: 'env:PATH',
  }),
  fc.jsonValue({ maxDepth: 4 }),
);
const good = {
  title: 'Fuzz',
  description: 'words',
  priority: 'high',
  strict: false,
  mode: 'manual',
  start: false,
  on_failure: 'compensate',
  deadline: '2099-01-01',
  tenant: 'acme',
  requester: 'fuzz',
  checkpoints: ['b'],
  constraints: ['c'],
  acceptance_criteria: ['d'],
  callback_url: 'https://example.org/x',
  budget: { tokens: 10, wall_ms: 100_000, steps: 50 },
  thresholds: { max_major: 0 },
  metadata: { a: { b: [1, 2] } },
  plan: {
    params: { x: 1 },
    phases: [
      { name: 'one', gate: { min_success_rate: 1 } },
      { name: 'two', feedback_to: 'one', max_loops: 2 },
    ],
    thresholds: { max_minor: 3 },
    steps: [
      {
        id: 'a',
        capability: 'echo',
        phase: 'one',
        input: { x: '${{ params.x }}' },
        retry: { max_attempts: 2, initial_delay_ms: 1, multiplier: 2, jitter: 0.1, non_retryable: ['x'] },
        timeout_ms: 1_000,
        heartbeat_ms: 1_000,
      },
      {
        id: 'b',
        capability: 'noop',
        phase: 'two',
        depends_on: ['a'],
        when: 'params.x == 1',
        risk: 'high',
        approval: { roles: ['lead'], expires_ms: 1_000 },
        needs: { os: 'linux' },
      },
      {
        id: 'c',
        capability: 'echo',
        phase: 'two',
        each: { items: [1, 2] },
        undo: { capability: 'noop', input: {} },
        sandbox: { cpu: 1, egress: ['a:1'] },
        criteria: ['ok'],
        verify: [{ command: ['x'] }],
        on_failure: 'skip',
      },
    ],
  },
};

/** A place somewhere inside, chosen by numbers, and what becomes of it. */
interface Bend {
  readonly path: readonly number[];
  readonly act: 'replace' | 'remove' | 'add' | 'double' | 'rename';
  readonly value: unknown;
  readonly name: string;
}
const bend: fc.Arbitrary<Bend> = fc.record({
  path: fc.array(fc.nat(30), { minLength: 1, maxLength: 6 }),
  act: fc.constantFrom(
    'replace' as const,
    'replace' as const,
    'remove' as const,
    'add' as const,
    'double' as const,
    'rename' as const,
  ),
  value: oddValue,
  name: oddText,
});

const bent = (value: unknown, { path, act, value: to, name }: Bend, depth = 0): unknown => {
  if (typeof value !== 'object' || value === null) return to;
  const keys = Object.keys(value);
  const at = keys.length === 0 ? undefined : keys[(path[depth] ?? 0) % keys.length];
  const entries = Object.entries(value);
  const changed =
    depth + 1 < path.length && at !== undefined
      ? entries.map(
          ([key, inner]) => [key, key === at ? bent(inner, { path, act, value: to, name }, depth + 1) : inner] as const,
        )
      : act === 'remove'
        ? entries.filter(([key]) => key !== at)
        : act === 'add'
          ? [...entries, [name, to] as const]
          : act === 'rename'
            ? entries.map(([key, inner]) => [key === at ? name : key, inner] as const)
            : act === 'double'
              ? [...entries, ...entries.slice(0, 1).map(([, inner]) => [String(entries.length), inner] as const)]
              : entries.map(([key, inner]) => [key, key === at ? to : inner] as const);
  return Array.isArray(value) ? changed.map(([, inner]) => inner) : Object.fromEntries(changed);
};

const bytes = (text: string) => Buffer.from(text);
const message: fc.Arbitrary<Buffer> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .array(bend, { minLength: 1, maxLength: 4 })
      .map((bends) => bytes(JSON.stringify(bends.reduce<unknown>((value, one) => bent(value, one), good)) ?? 'null')),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 4 })).map(([at, noise]) => {
      const text = bytes(JSON.stringify(good));
      return Buffer.concat([
        text.subarray(0, at % text.length),
        noise,
        text.subarray((at % text.length) + noise.length),
      ]);
    }),
  },
  { weight: 1, arbitrary: fc.nat(2_000).map((at) => bytes(JSON.stringify(good)).subarray(0, at)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((noise) => Buffer.from(noise)) },
  { weight: 1, arbitrary: fc.json().map(bytes) },
);

test(`${runs} bent submissions at both doors`, async () => {
  await using world = await startWorld();
  const messages = fc.sample(message, { seed, numRuns: runs });
  let accepted = 0;
  const outcome = async (data: Buffer, at: number) => {
    const about = `run ${at} of seed ${seed}: ${data.toString().slice(0, 2_000)}`;
    const reply = await world.ask('task.submit', data);
    if (reply.error === null) {
      assert.equal(submitted.safeParse(reply.body).error, undefined, about);
      accepted += 1;
      return;
    }
    assert.equal(apiError.safeParse(reply.body).error, undefined, about);
    assert.equal(reply.status, String(errorCodes[reply.error.code]), about);
    assert.notEqual(reply.error.code, 'internal', about);
    assert.ok(echoed(reply.text, data) <= 256, `${about}\nsends back ${echoed(reply.text, data)} bytes: ${reply.text}`);
    assert.ok(reply.text.length < 16_384, about);
  };
  for (let at = 0; at < messages.length; at += 20)
    await Promise.all(messages.slice(at, at + 20).map((data, offset) => outcome(data, at + offset)));
  assert.ok(
    accepted > runs / 50 && accepted < runs / 2,
    `${accepted} of ${runs} were accepted: the others must differ enough, and not too much`,
  );

  const sent = await Promise.all(messages.map(async (data) => ({ data, seq: await world.plain(data) })));
  await world.emptied(30_000);
  const last = await world.plain('{');
  await world.letter('of the last one', (letter) => letter.header(dlqHeaders.seq) === String(last), 30_000);
  for (const { data, seq } of sent) {
    const letters = world.letters.filter(
      (letter) =>
        letter.header(dlqHeaders.stream) === world.names.streams.tasks && letter.header(dlqHeaders.seq) === String(seq),
    );
    assert.ok(letters.length <= 1, `message ${seq} is one dead letter at most`);
    const [letter] = letters;
    if (letter === undefined) continue;
    assert.ok(Buffer.from(letter.data).equals(data), 'with its bytes');
    assert.ok(dlqReasons.includes(letter.header(dlqHeaders.reason) as never));
    assert.ok(echoed(letter.header(dlqHeaders.error) ?? '', data) <= 256);
  }
  const id = newId('good');
  await world.submit({ task_id: id, plan: { steps: [{ id: 'a', capability: 'noop' }] } });
  assert.equal((await world.ended(id)).status, 'succeeded');
  await world.quiet();
  const { violations } = await audit(world.bus, [id]);
  assert.deepEqual(violations.slice(0, 10), [], 'and what was accepted is stored as the log says');
});
