// Each parser on what its tool really printed (samples/README.md), and all of them on what no tool should.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { finding } from '@capstan/contracts';
import { type Check, check as checkSchema } from './check.ts';
import { filesFor, findingsOf } from './findings.ts';
import { newOutput } from './output.ts';
import { verifiers } from './verifiers/index.ts';

const samples = join(import.meta.dirname, 'samples');
const workspace = '/sandbox/workspace';

const resultOf = (stdout: string, more: object = {}) => ({
  exitCode: 1,
  signal: null,
  timedOut: false,
  outOfMemory: false,
  stdout,
  stderr: '',
  truncated: false,
  wallMs: 1,
  ...more,
});

const read = (stdout: string, check: Partial<Check> = {}, result: object = {}, files = new Map<string, string>()) =>
  findingsOf(
    newOutput(checkSchema.parse({ command: ['check'], ...check }), resultOf(stdout, result), [], files),
    workspace,
  );

/** `severity category location rule first-line-of-the-message` */
const brief = ({ severity, category, location = '-', rule = '-', message }: ReturnType<typeof read>[number]): string =>
  [severity, category, location, rule, message.split('\n', 1)[0]].join(' | ');

interface Expected {
  readonly cwd: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly lines: readonly string[];
}
const expected = JSON.parse(readFileSync(join(samples, 'expected.json'), 'utf8')) as Record<string, Expected>;

for (const [name, { cwd, files = {}, lines }] of Object.entries(expected))
  test(`${name}: read as it was printed`, () => {
    const found = read(readFileSync(join(samples, `${name}.out`), 'utf8'), { cwd }, {}, new Map(Object.entries(files)));
    assert.deepEqual(found.map(brief), lines);
    for (const one of found) assert.doesNotThrow(() => finding.parse(one));
  });

test('every sample is expected, and every parser has one', () => {
  const names = readdirSync(samples).flatMap((name) => (name.endsWith('.out') ? [name.slice(0, -4)] : []));
  assert.deepEqual(names.sort(), Object.keys(expected).sort());
  for (const { name } of verifiers.filter((one) => one.name !== 'tail'))
    assert.ok(
      names.some((sample) =>
        read(readFileSync(join(samples, `${sample}.out`), 'utf8'), { format: name }).some(
          ({ message }) => !message.startsWith('check ended'),
        ),
      ),
      name,
    );
});

test('a runner of scripts prints lines around what is read', () => {
  const json = readFileSync(join(samples, 'eslint-json.out'), 'utf8');
  const pretty = JSON.stringify(JSON.parse(json), null, 2);
  for (const text of [json, pretty]) {
    const around = `\n> shop@1.0.0 lint\n> eslint --format json src\n\n${text}\nnpm error code 1\n`;
    assert.deepEqual(read(around).map(brief), read(json).map(brief));
  }
});

test('what a check says of itself goes before what its parser knows', () => {
  const tsc = readFileSync(join(samples, 'tsc.out'), 'utf8');
  const [found] = read(tsc, { category: 'types', severity: 'minor' });
  assert.deepEqual([found?.category, found?.severity], ['types', 'minor']);
});

test('what is found again in another run has the same fingerprint, wherever it has moved; what is there twice has two', () => {
  const fingerprints = (text: string) => read(text).map(({ fingerprint }) => fingerprint);
  const before = fingerprints('src/a.ts(3,3): error TS1: No 3.\nsrc/a.ts(9,3): error TS1: No 9.\n');
  const after = fingerprints('src/a.ts(4,1): error TS1: No 4.\nsrc/a.ts(8,3): error TS1: No 8.\n');
  assert.deepEqual(before, after);
  assert.equal(new Set(before).size, 2);
  assert.notDeepEqual(fingerprints('src/b.ts(3,3): error TS1: No 3.'), before.slice(0, 1));
});

test('a command that failed without a word of why, or was ended, is not clean', () => {
  const tap = 'TAP version 13\nok 1 - a\n1..1\n';
  assert.deepEqual(read(tap, {}, { exitCode: 0 }), []);
  assert.match(read(tap)[0]?.message ?? '', /^check ended with 1:\nTAP version 13/);
  const clean = JSON.stringify([{ filePath: 'a.js', messages: [] }]);
  assert.match(read(clean, {}, { exitCode: 2 })[0]?.message ?? '', /^check ended with 2/);
  const ended = read('TAP version 13\nnot ok 1 - a\n', {}, { exitCode: null, signal: 'SIGKILL', timedOut: true });
  assert.deepEqual(
    ended.map(({ message }) => message.split('\n')[0]),
    ['a', 'check took too long:'],
  );
});

test('unknown output is one finding, with its tail', () => {
  const [found, ...more] = read(`${'noise\n'.repeat(50)}at src/a.py:3 it broke\n`);
  assert.deepEqual(more, []);
  assert.equal(found?.location, 'src/a.py:3');
  assert.equal(found?.message.split('\n').length, 21);
  assert.match(read('', { format: 'eslint' })[0]?.message ?? '', /^check ended with 1\.$/);
});

test('a secret that was found is not passed on', () => {
  const leak = [
    { RuleID: 'key', Description: 'A key.', Secret: 'canary-0123', Match: 'key=canary-0123', File: 'a', StartLine: 1 },
  ];
  assert.doesNotMatch(JSON.stringify(read(JSON.stringify(leak))), /canary/);
});

const odd: unknown[] = [null, 7, '', [], {}, [[]], [null], { message: 3 }, -1, 1e300, 'x'.repeat(100_000), true];

test('what a tool printed, with anything in the place of anything, is a list of findings of a bounded size', () => {
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const spoilt = (value: unknown): unknown => {
    if (random(12) === 0) return odd[random(odd.length)];
    if (Array.isArray(value)) return value.map(spoilt);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, spoilt(inner)]));
  };
  const spoiltLine = (line: string): string => {
    if (line.startsWith('{') && line.endsWith('}')) return JSON.stringify(spoilt(JSON.parse(line)));
    const at = random(line.length + 1);
    return random(6) === 0 ? line.slice(at) + line.slice(0, at) : random(6) === 0 ? '' : line;
  };
  for (const name of Object.keys(expected)) {
    const text = readFileSync(join(samples, `${name}.out`), 'utf8');
    const isDocument = /^[[{]/.test(text) && !/^\{.*\}\n\{/.test(text);
    for (let round = 0; round < 30; round++) {
      const damaged = isDocument
        ? JSON.stringify(spoilt(newOutput(checkSchema.parse({ command: ['x'] }), resultOf(text)).documents()[0]))
        : text.split('\n').map(spoiltLine).join('\n');
      for (const one of read(damaged)) finding.parse(one);
    }
  }
});

/** Up to a size at which work that grows with its square would not end. */
const much = (unit: string, before = '', after = ''): string => before + unit.repeat(1_500_000 / unit.length) + after;

test('hostile output costs time by its length, and no more', { timeout: 60_000 }, () => {
  const bomb =
    '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><testsuite><testcase name="&b;"><failure message="&b;"/></testcase></testsuite>';
  const hostile = [
    bomb,
    much('\n', '', 'x'),
    much(' ', '', 'x'),
    much('}\n', '{'),
    much('['),
    much('{"a":'),
    much('{"Action":"fail","Package":"p","Test":"T/a"}\n'),
    much('FAILED a.py::b - c\n', '=== short test summary info ===\n'),
    much('_____ b _____\n', '', '=== short test summary info ===\nFAILED a.py::b\n'),
    much('test a ... FAILED\n', '', 'test result: FAILED. 1 passed; 1 failed\n'),
    much('not ok 1 - a\n  ---\n  error: |\n', 'TAP version 13\n'),
    much(`${' '.repeat(2_000)}not ok 1 - a\n`, 'TAP version 13\n'),
    much(`a:1:1: error: ${' '.repeat(4_000)}x\n`),
    much(`a:1:1: error: ${' ['.repeat(2_000)}\n`),
    much(`  1:1  error  ${' '.repeat(4_000)}x\n`, '/a.js\n', '✖ 1 problem (1 error)\n'),
    much('a:'),
    much('\u001b]'),
    much('\u001b[;a'),
    much('<testcase>', '<testsuite>'),
    much('a="1" ', '<testsuite '),
    much('<!--'),
    much('<?xml '),
    much('"a.b:1'),
  ];
  for (const text of hostile) for (const one of read(text)) finding.parse(one);
});

test('what a parser wants to read beside the output is asked for only where it knows the output', () => {
  const wanted = (name: string) =>
    filesFor(
      newOutput(checkSchema.parse({ command: ['x'] }), resultOf(readFileSync(join(samples, `${name}.out`), 'utf8'))),
    );
  assert.deepEqual([wanted('go-test-json'), wanted('tsc')], [['go.mod'], []]);
});
