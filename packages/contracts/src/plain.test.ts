// What is told at a glance must be what the schema would have said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { order } from './order.ts';
import { plainOrder, plainReport } from './plain.ts';
import { report } from './report.ts';

const anOrder = {
  v: 1,
  task_id: 't',
  step_id: 's',
  attempt: 1,
  capability: 'noop',
  input: { a: [1, { b: null }] },
  lease: 'x',
  report_to: 'capstan.event.0.t.report.q.s.1.x',
  deadline: '2026-11-21T02:00:00.000Z',
  timeout_ms: 600_000,
  heartbeat_ms: 10_000,
  context: { title: 't', outputs: {}, artifacts: [] },
  tenant: 'default',
};
const aReport = {
  v: 1,
  task_id: 't',
  step_id: 's',
  attempt: 1,
  lease: 'x',
  agent: 'q.1',
  outcome: 'succeeded',
  output: { ok: true },
  usage: { wall_ms: 3 },
  artifacts: [],
};

/** Every field of a value replaced by every odd thing, left out, or joined by one that nobody knows. */
const variants = (value: Record<string, unknown>): Record<string, unknown>[] => {
  const odd = [null, undefined, true, '', 'x', '2026-02-30T00:00:00.000Z', '2026-02-28T24:00:00.000Z', '2026-12-31', -1, 0, 1, 1.5, 1e300, 31_536_000_001, [], [1], {}, { a: 1 }, { wall_ms: -1 }, { wall_ms: 1, tokens_in: -3 }, { title: 't', outputs: {}, artifacts: [] }, { title: 1, outputs: {}, artifacts: [] }, { title: 't', outputs: [], artifacts: [] }, 'y'.repeat(161)]; // biome-ignore format: a list
  const found: Record<string, unknown>[] = [value, { ...value, unknown: 1 }, { ...value, findings: [] }];
  for (const key of Object.keys(value)) for (const one of odd) found.push({ ...value, [key]: one });
  return found.map((one) => JSON.parse(JSON.stringify(one)) as Record<string, unknown>);
};

const agrees = (
  given: Record<string, unknown>,
  plain: (value: Record<string, unknown>) => unknown,
  schema: z.ZodType,
): { passed: number; judged: number } => {
  let passed = 0;
  const all = variants(given);
  for (const value of all) {
    const quick = plain(value);
    if (quick === null) continue;
    passed += 1;
    assert.deepEqual(schema.safeParse(value), { success: true, data: quick }, JSON.stringify(value));
  }
  return { passed, judged: all.length };
};

test('an order that is told at a glance is one by the schema', () => {
  assert.ok(plainOrder(anOrder) !== null);
  const { passed, judged } = agrees(anOrder, plainOrder, order);
  assert.ok(passed > 20 && passed < judged / 2, `${passed} of ${judged}`);
});

test('a report that is told at a glance is one by the schema', () => {
  assert.ok(plainReport(aReport) !== null);
  const { passed, judged } = agrees(aReport, plainReport, report);
  assert.ok(passed > 20 && passed < judged / 2, `${passed} of ${judged}`);
});
