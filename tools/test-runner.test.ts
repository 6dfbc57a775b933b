// The test runner is what says "passed", so it is tested on test files that it must not believe.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { tallyFile } from './coverage.ts';
import type { FileResult } from './run-test-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'capstan-runner-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const imports = "import { describe, it, test, before } from 'node:test';\n";
let files = 0;

/** In a process of its own: run() refuses to run inside a test. */
async function resultOf(text: string, grep?: string): Promise<Omit<FileResult, 'ms'>> {
  const file = join(folder, `${++files}.test.mjs`);
  writeFileSync(file, imports + text);
  const options = `{ grep: ${JSON.stringify(grep)}, signal: new AbortController().signal }`;
  const program = join(folder, `${files}.mjs`);
  writeFileSync(
    program,
    `import { runTestFile } from ${JSON.stringify(new URL('run-test-file.ts', import.meta.url).href)};
    console.log(JSON.stringify(await runTestFile(${JSON.stringify(file)}, 'x.test.mjs', ${options})));`,
  );
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await new Promise((resolve) => child.on('close', resolve));
  return JSON.parse(said) as FileResult;
}

test('leaf tests are counted, neither suites nor parents nor files', async () => {
  const { passed, skipped, failures } = await resultOf(`
    test('plain', () => {});
    test('left out', { skip: 'why' }, () => {});
    describe('suite', () => { it('one', () => {}); describe('inner', () => { it('two', () => {}); }); });
    test('parent', async (t) => { await t.test('child', () => {}); await t.test('other', () => {}); });`);
  assert.deepEqual({ passed, skipped, failures }, { passed: 5, skipped: 1, failures: [] });
});

test('a failure is told once, with its path, its place and its reason', async () => {
  const { passed, failures } = await resultOf(`
    describe('suite', () => { it('fine', () => {}); it('bad', () => { throw new Error('boom'); }); });`);
  assert.equal(passed, 1);
  assert.deepEqual(
    failures.map(({ title, where }) => ({ title, where })),
    [{ title: 'x.test.mjs › suite › bad', where: 'x.test.mjs:3:53' }],
  );
  assert.match(stripVTControlCharacters(failures[0]?.why ?? ''), /^Error: boom/);
});

const liars: readonly (readonly [name: string, text: string, why: RegExp])[] = [
  ['throws while it loads', "throw new Error('load');", /outside its tests \(exit 1\)/],
  ['has no test', '', /without having run a test/],
  [
    'ends the process in a test',
    "test('fine', () => {}); test('ends', () => process.exit(0));",
    /without having run a test/,
  ],
  [
    'throws after its tests',
    "test('fine', () => { setTimeout(() => { throw new Error('late'); }, 20); });",
    /outside its tests/,
  ],
  ['sets an exit code', "test('fine', () => { process.exitCode = 3; });", /exit 3/],
  [
    'fails before its tests',
    "describe('s', () => { before(() => { throw new Error('hook'); }); it('never', () => {}); });",
    /hook/,
  ],
];
for (const [name, text, why] of liars) {
  test(`a file that ${name} has failed`, async () => {
    const { failures } = await resultOf(text);
    assert.ok(
      failures.some((failure) => why.test(failure.why)),
      JSON.stringify(failures),
    );
  });
}

test('with a pattern, a file without a match is neither passed nor failed', async () => {
  const { passed, failures } = await resultOf("test('one', () => {}); test('two', () => {});", 'three');
  assert.deepEqual({ passed, failures }, { passed: 0, failures: [] });
});

test('a line is covered when one of its characters was executed; types, comments and brackets are no lines', () => {
  const source = [
    '// why',
    'interface A {',
    '  a: string;',
    '}',
    'const a: number = 1;',
    'const b = () => {',
    '  never();',
    '};',
    '',
  ].join('\n');
  assert.deepEqual(tallyFile(source, undefined), { lines: 3, covered: 0 });
  const executed = new Uint8Array(source.length).fill(1);
  executed.fill(0, source.indexOf('never'), source.indexOf('};'));
  assert.deepEqual(tallyFile(source, executed), { lines: 3, covered: 2 });
});
