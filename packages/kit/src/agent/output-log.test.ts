import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogLine } from '@capstan/contracts';
import { newMask } from '../masking.ts';
import { newOutputLog } from './output-log.ts';

const fixture = (options: { linesMax?: number; append?: (line: LogLine) => Promise<unknown> } = {}) => {
  const said: LogLine[] = [];
  const mask = newMask();
  const append = async (line: LogLine) => void said.push(line);
  const log = newOutputLog({ attempt: 3, mask, append, ...options });
  return { log, said, mask, texts: () => said.map(({ stream, text }) => `${stream}: ${text}`) };
};

test('lines of one stream travel together, in order and numbered', async () => {
  const { log, said, texts } = fixture();
  log.write('stdout', 'one\ntwo\n');
  log.write('stdout', 'three\n');
  log.write('stderr', 'oh\n');
  log.write('stdout', 'unfinished');
  await log.close(1_000);
  assert.deepEqual(texts(), ['stdout: one\ntwo\nthree', 'stderr: oh', 'stdout: unfinished']);
  assert.deepEqual(
    said.map(({ seq, attempt }) => [seq, attempt]),
    [
      [1, 3],
      [2, 3],
      [3, 3],
    ],
  );
});

test('lines leave after a moment, without being asked', async () => {
  const { promise, resolve } = Promise.withResolvers<LogLine>();
  const { log } = fixture({ append: async (line) => resolve(line) });
  log.write('stdout', 'now\n');
  assert.equal((await promise).text, 'now');
  await log.close(0);
});

test('a secret is masked, also where it came in two chunks', async () => {
  const { log, mask, texts } = fixture();
  mask.add('canary-12345');
  log.write('stdout', 'is canary-');
  log.write('stdout', '12345 so\n');
  await log.close(1_000);
  assert.deepEqual(texts(), ['stdout: is [masked] so']);
});

test('past the limit lines are left out, and how many is said', async () => {
  const { log, texts } = fixture({ linesMax: 2 });
  log.write('stdout', '1\n2\n3\n4\n');
  await log.close(1_000);
  assert.deepEqual(texts(), ['stdout: 1\n2', 'agent: [2 lines are left out here]']);
});

test('a stream that takes nothing neither fails nor holds up the work', async () => {
  const refused = fixture({ append: () => Promise.reject(new Error('full')) });
  refused.log.write('stdout', 'x\n');
  await refused.log.close(1_000);
  const stuck = fixture({ append: () => new Promise(() => {}) });
  for (let i = 0; i < 200; i++) stuck.log.write('stdout', `${'y'.repeat(16_000)}\n`);
  await stuck.log.close(5);
});
