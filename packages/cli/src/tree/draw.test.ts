import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepRecord } from '@capstan/contracts';
import { styleOf } from '../style.ts';
import { someStep, someTask } from '../testing.ts';
import { widthOf } from '../text.ts';
import { headline } from '../headline.ts';
import { renderTree, type View } from './draw.ts';

const now = Date.parse('2026-11-20T10:00:02.000Z');
const at = (ms: number) => new Date(Date.parse('2026-11-20T10:00:00.000Z') + ms).toISOString();
const view = (more: Partial<View> = {}): View => ({ columns: 80, lines: 50, now, style: styleOf(false), ...more });
const drawn = (steps: Record<string, StepRecord>, more: Partial<View> = {}) =>
  renderTree(someTask({ steps }), view(more));

test('a join stands beside the branches that it joins, and what follows hangs under it', () => {
  const lines = drawn({
    fetch: someStep({ status: 'succeeded', attempt: 1, started_at: at(0), finished_at: at(300) }),
    lint: someStep({
      status: 'succeeded',
      depends_on: ['fetch'],
      attempt: 2,
      started_at: at(300),
      finished_at: at(1_500),
    }),
    unit: someStep({
      status: 'running',
      depends_on: ['fetch'],
      attempt: 1,
      agent: 'executor.7f3a',
      started_at: at(800),
    }),
    deploy: someStep({ depends_on: ['lint', 'unit'] }),
    announce: someStep({ depends_on: ['deploy'] }),
  });
  assert.deepEqual(lines, [
    '└─ ✓ fetch           300 ms',
    '   ├─ ✓ lint         1.2 s · attempt 2',
    '   ├─ ● unit         1.2 s · executor.7f3a',
    '   └─ · deploy       after lint, unit',
    '      └─ · announce',
  ]);
});

test('what waits for somebody says so, what failed says why', () => {
  const lines = drawn({
    merge: someStep({ status: 'awaiting_approval', waiting_for: 'approval by tech_lead' }),
    unit: someStep({ status: 'failed', attempt: 3, error: { code: 'tests_failed', message: '2 tests failed' } }),
    pull: someStep({ status: 'retrying', attempt: 1, waiting_for: 'attempt 2 of 3 in 1000 ms, after flaky' }),
    gpu: someStep({ status: 'blocked', waiting_for: 'an agent that offers "gpu"' }),
  });
  assert.deepEqual(lines, [
    '├─ ? merge  approval by tech_lead',
    '├─ ✗ unit   attempt 3 · tests_failed: 2 tests failed',
    '├─ ↻ pull   attempt 2 of 3 in 1000 ms, after flaky',
    '└─ ■ gpu    an agent that offers "gpu"',
  ]);
});

test('a family of hundreds of steps is one line', () => {
  const steps: Record<string, StepRecord> = { split: someStep({ status: 'succeeded' }) };
  for (let n = 0; n < 500; n++)
    steps[`part-${n}`] = someStep({
      depends_on: ['split'],
      status: n < 320 ? 'succeeded' : n < 332 ? 'running' : 'pending',
    });
  steps['join'] = someStep({ depends_on: Array.from({ length: 500 }, (_, n) => `part-${n}`) });
  assert.deepEqual(drawn(steps), [
    '└─ ✓ split',
    '   └─ ● part-*   500 steps: 320 succeeded, 12 running, 168 pending',
    '      └─ · join',
  ]);
});

test('numbered steps in a row are no family', () => {
  const steps: Record<string, StepRecord> = {};
  for (let n = 0; n < 6; n++) steps[`step-${n}`] = someStep({ depends_on: n === 0 ? [] : [`step-${n - 1}`] });
  assert.equal(drawn(steps).length, 6);
});

test('where there is little room, what happens now is shown and the rest is counted', () => {
  const steps: Record<string, StepRecord> = {};
  for (const name of 'abcdefghijklmnopqrstuvwxyz')
    steps[`step_${name}`] = someStep({ status: name === 'q' ? 'running' : name < 'q' ? 'succeeded' : 'pending' });
  const lines = drawn(steps, { lines: 4 });
  assert.equal(lines.length, 4);
  assert.match(lines.join('\n'), /● step_q/);
  assert.match(lines.at(-1) ?? '', /^└─ … +2\d steps: \d+ succeeded, \d+ pending$/);
});

test('no size of plan and no width of terminal is too much', () => {
  const chain: Record<string, StepRecord> = {};
  for (let n = 0; n < 5_000; n++) chain[`s${n}x`] = someStep({ depends_on: n === 0 ? [] : [`s${n - 1}x`] });
  assert.ok(drawn(chain, { lines: 20 }).length <= 20);
  for (const columns of [1, 5, 20, 41]) {
    for (const line of drawn(
      {
        a: someStep({ status: 'running', started_at: at(0), agent: 'executor.7f3a' }),
        [`b${'x'.repeat(60)}`]: someStep({ depends_on: ['a'] }),
      },
      { columns },
    ))
      assert.ok(widthOf(line) <= Math.max(columns, 8), `${columns}: ${line}`);
  }
  assert.deepEqual(drawn({}), []);
});

test('a cycle, or a dependency that is not there, is drawn all the same', () => {
  const lines = drawn({
    a: someStep({ depends_on: ['b'] }),
    b: someStep({ depends_on: ['a'] }),
    c: someStep({ depends_on: ['nowhere'] }),
  });
  assert.equal(lines.length, 3);
});

test('nothing from outside moves the cursor', () => {
  const evil = 'x\u001b[2J\u202e\r\ny';
  const task = someTask({
    title: evil,
    task_id: evil,
    steps: {
      [evil]: someStep({ status: 'failed', error: { code: evil, message: evil }, waiting_for: evil, agent: evil }),
      two: someStep({ status: 'blocked', waiting_for: evil, depends_on: [evil] }),
      three: someStep({ depends_on: [evil, 'two'] }),
    },
  });
  for (const line of [headline(task, view()), ...renderTree(task, view())])
    assert.doesNotMatch(line, /[\p{Cc}\u202e]/u);
});

test('what a verification found stands beside the step', () => {
  const findings = { major: 0, medium: 2, minor: 1 };
  const lines = drawn({
    a: someStep({ status: 'succeeded', attempt: 1, started_at: at(0), finished_at: at(300), findings }),
  });
  assert.deepEqual(lines, ['└─ ✓ a  300 ms · found 2 medium, 1 minor']);
});
