import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newLog, stepLog } from './log.ts';
import { newMask } from './masking.ts';

const capture = (mask = newMask()) => {
  const lines: string[] = [];
  const log = newLog({
    service: 'executor',
    instance: 'i1',
    level: 'info',
    mask,
    to: { write: (line) => void lines.push(line) },
  });
  return { log, lines };
};

test('a line is JSON with service, instance, task and step', () => {
  const { log, lines } = capture();
  stepLog(log, { task_id: 't', step_id: 's', attempt: 2 }).info({ more: 1 }, 'said');
  const { time, ...rest } = JSON.parse(lines[0] as string);
  assert.deepEqual(rest, {
    level: 'info',
    service: 'executor',
    instance: 'i1',
    task: 't',
    step: 's',
    attempt: 2,
    more: 1,
    msg: 'said',
  });
  assert.match(time, /^\d{4}-\d\d-\d\dT/);
});

test('a secret is masked in messages, fields and errors, also where JSON escapes it', () => {
  const mask = newMask();
  mask.add('hunter"22');
  const { log, lines } = capture(mask);
  log.error(
    { error: new Error('no: hunter"22', { cause: new Error('hunter"22') }), field: ['hunter"22'] },
    'with hunter"22',
  );
  const line = lines[0] as string;
  assert.equal(line.includes('hunter'), false);
  assert.equal(JSON.parse(line).msg, 'with [masked]');
});
