import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';

const mistakeIn = (text: string): string => {
  const read = readConfig(text);
  if (!('mistake' in read)) return assert.fail('it was taken');
  return `${read.mistake.line}: ${read.mistake.message}`;
};

test('a stage is a list of commands: lines for the shell, lists of program and arguments, or more words about one', () => {
  const read = readConfig(`
build: [npm run build]
test:
  - command: [npm, test, 3]
    reports: [reports/*.xml]
    timeout_ms: 60000
  - command: make test | tee log
lint: []
thresholds: { max_major: 0, over: { major: abort } }
`);
  assert.ok(!('mistake' in read));
  assert.deepEqual(read.build, [{ command: ['/bin/sh', '-c', 'npm run build'] }]);
  assert.deepEqual(
    read.test?.map(({ command }) => command),
    [
      ['npm', 'test', '3'],
      ['/bin/sh', '-c', 'make test | tee log'],
    ],
  );
  assert.deepEqual([read.lint, read.security], [[], undefined]);
  assert.deepEqual(read.thresholds, { max_major: 0, over: { major: 'abort' } });
});

test('an empty file says nothing', () => {
  assert.deepEqual(readConfig(''), {});
});

test('a mistake is told with its line, and what was meant', () => {
  assert.match(mistakeIn('build: []\ntests: []\n'), /^2: tests is nothing that is known here\. Did you mean test\?$/);
  assert.match(
    mistakeIn('test:\n  - command: [npm, test]\n    timeout_sm: 3\n'),
    /^3: test\[0\]\.timeout_sm is nothing that is known here\. Did you mean timeout_ms\?$/,
  );
  assert.match(mistakeIn('test: npm test\n'), /^1: test: .*expected array/);
  assert.match(
    mistakeIn('test:\n  - 3\n'),
    /^2: test\[0\]: must be a command: a list of program and arguments, or one line/,
  );
  assert.match(mistakeIn('lint:\n- command: []\n'), /^2: lint\[0\]\.command/);
  assert.match(mistakeIn('lint:\n\n- { command: [x], format: eslnt }\n'), /^3: lint\[0\]\.format: there is no "eslnt"/);
  assert.match(mistakeIn('thresholds:\n  max_major: few\n'), /^2: thresholds\.max_major: .*expected number/);
  assert.match(mistakeIn('thresholds: { max_majr: 1 }\n'), /^1: thresholds\.max_majr is .* Did you mean max_major\?/);
  assert.match(mistakeIn('build: [\n'), /^\d: This is not YAML: /);
  assert.match(mistakeIn('build: []\nbuild: []\n'), /^\d: This is not YAML: /);
});

test('no path leads out of the repository', () => {
  assert.match(
    mistakeIn('test:\n- { command: [x], cwd: a/../.. }\n'),
    /^2: test\[0\]\.cwd: must stay inside the repository/,
  );
  assert.match(mistakeIn('test:\n- command: [x]\n  reports: [/etc/passwd]\n'), /^3: test\[0\]\.reports: must stay/);
  assert.ok(!('mistake' in readConfig('test: [{ command: [x], cwd: a/.., reports: [out/..x] }]')));
});

test('what only looks small is not read', () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghi'.split('').map((name, at) => `${name}: &${name} [${`*${'abcdefgh'[at]},`.repeat(9)}]`),
  ].join('\n');
  assert.match(mistakeIn(bomb), /^1: /);
});
