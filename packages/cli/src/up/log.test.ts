import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLogFile } from './log-file.ts';
import { heard, limiter } from './log-line.ts';

test('a log file is bounded, and keeps a few older ones', (t) => {
  const data = mkdtempSync(join(tmpdir(), 'capstan-log-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const path = join(data, 'a.log');
  const options = { bytesMax: 20, older: 2 };
  const first = openLogFile(path, options);
  first.write('one 6789');
  first.close();
  const log = openLogFile(path, options);
  for (const word of [
    'two 6789',
    'three 89',
    'four 789',
    'five 789',
    'six 6789',
    'seven 89',
    'a line that is longer than a file may be',
  ])
    log.write(word);
  log.close();
  assert.deepEqual(readdirSync(data).toSorted(), ['a.log', 'a.log.1', 'a.log.2']);
  assert.deepEqual(
    ['a.log.2', 'a.log.1', 'a.log'].map((name) => readFileSync(join(data, name), 'utf8')),
    ['five 789\nsix 6789\n', 'seven 89\n', 'a line that is longer than a file may be\n'],
  );
});

test('warnings and errors are for people, with what they are about', () => {
  assert.equal(heard('{"level":"info","msg":"Ready."}'), null);
  assert.equal(heard(''), null);
  assert.deepEqual(heard('{"level":"warn","msg":"Slow.","task":"t1","step":"a"}'), {
    level: 'warn',
    text: 'Slow (task t1, step a)',
  });
  assert.deepEqual(heard('{"level":"error","msg":"Broke.","error":{"message":"no disk","stack":"…"}}'), {
    level: 'error',
    text: 'Broke: no disk',
  });
  assert.deepEqual(heard('{"level":50,"msg":"Broke"}'), { level: 'error', text: 'Broke' });
  assert.deepEqual(heard('{"level":"fatal","msg":"x\\u001b[2J"}'), { level: 'error', text: 'x' });
});

test('what is no JSON is shown, without its stack', () => {
  assert.deepEqual(heard('capstan executor: CAPSTAN_HEALTH_PORT must be a number.'), {
    level: 'error',
    text: 'CAPSTAN_HEALTH_PORT must be a number.',
    refusal: true,
  });
  assert.deepEqual(heard('TypeError: x is not a function'), { level: 'error', text: 'TypeError: x is not a function' });
  for (const line of ['    at run (a.ts:1:2)', 'file:///a.ts:3', 'node:internal/x:1', 'Node.js v24.21.0', '}'])
    assert.equal(heard(line), null);
});

test('a burst is shown up to a limit, then counted', () => {
  let now = 0;
  const allows = limiter(2, 100, () => now);
  now = 1_000;
  assert.deepEqual(
    [allows(), allows(), allows(), allows()].map(({ show }) => show),
    [true, true, false, false],
  );
  now = 1_100;
  assert.deepEqual(allows(), { show: true, held: 2 });
  assert.deepEqual(allows(), { show: true, held: 0 });
});
