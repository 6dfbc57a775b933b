// Runs the tests: each file in a process of its own, the closing line last.
//   npm test                          everything
//   npm test -- --unit                only the tests beside their sources
//   npm test -- --integration         only those under test/
//   npm test -- --grep PATTERN        only tests whose name matches
//   npm test -- --coverage            with a table; fails below 80 % overall or 90 % of the engine
//   npm test -- --concurrency N       so many files at a time
//   npm test -- packages/engine ...   only these files or folders
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { coverageTable } from './coverage.ts';
import { ensureNatsCli } from './nats-cli.ts';
import { ensureNatsServer } from './nats-server.mjs';
import { type FileResult, runTestFile } from './run-test-file.ts';

const root = join(import.meta.dirname, '..');
const beside = ['packages/*/src/**/*.test.ts', 'services/*/src/**/*.test.ts', 'tools/*.test.ts'];
const apart = ['test/**/*.test.ts'];
/** They use every core by themselves: first and one by one, so that what they are to do in a given time does not depend on their neighbours. */
const alone = ['test/simulator/simulator.test.ts', 'test/simulator/faults.test.ts'];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    unit: { type: 'boolean', default: false },
    integration: { type: 'boolean', default: false },
    coverage: { type: 'boolean', default: false },
    grep: { type: 'string' },
    // Much of what a test does is waiting.
    concurrency: { type: 'string', default: String(Math.max(2, availableParallelism()) + 1) },
  },
});

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    process.exitCode = 128 + constants.signals[signal];
    stop.abort();
  });
}

const started = performance.now();
const files = testFiles();
if (files.length === 0) say(`no test file under ${positionals.join(' ') || root}`);
else await provideServer();
// Building it takes minutes on a new machine: more than a test may take. The documentation shows it at work.
if (files.some((file) => file.startsWith('test/docs/'))) await ensureNatsCli();

const reports = options.coverage ? mkdtempSync(join(tmpdir(), 'capstan-coverage-')) : undefined;
// Node.js writes one report per process there, also for the services that a test starts.
if (reports) process.env['NODE_V8_COVERAGE'] = reports;

const results = await runAll();
for (const result of results) showFailures(result);
let covered = true;
if (reports) {
  const table = coverageTable(root, reports);
  say(table.text);
  covered = table.isEnough;
  rmSync(reports, { recursive: true, force: true });
}

const sum = (count: (result: FileResult) => number): number =>
  results.reduce((total, result) => total + count(result), 0);
const [passed, failed, skipped] = [sum((r) => r.passed), sum((r) => r.failures.length), sum((r) => r.skipped)];
say(`${files.length} files in ${((performance.now() - started) / 1000).toFixed(1)} s`);
process.exitCode ??= failed > 0 || passed === 0 || !covered ? 1 : 0;
// The very last line, so nothing may print after it: a handle that someone left open must not keep us here either.
const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`;
process.stdout.write(line, () => process.exit());

function testFiles(): string[] {
  const patterns = [
    ...(options.integration && !options.unit ? [] : beside),
    ...(options.unit && !options.integration ? [] : apart),
  ];
  // Those under test/ take longest: started first, they do not leave one core idle at the end.
  const found = globSync(patterns, { cwd: root, exclude: ['**/node_modules/**'] })
    .sort()
    .reverse();
  if (positionals.length === 0) return found;
  const wanted = positionals.map((path) => resolve(process.env['INIT_CWD'] ?? process.cwd(), path));
  return found.filter((file) =>
    wanted.some((path) => join(root, file) === path || join(root, file).startsWith(`${path}/`)),
  );
}

async function provideServer(): Promise<void> {
  try {
    process.env['CAPSTAN_NATS_SERVER'] = await ensureNatsServer();
  } catch (error) {
    // Not the end: most tests need none, and those that do say so.
    say(error instanceof Error ? error.message : String(error));
  }
}

async function runAll(): Promise<FileResult[]> {
  const queue = files.filter((file) => !alone.includes(file)).values();
  const done: FileResult[] = [];
  const worker = async (queue: Iterable<string>): Promise<void> => {
    for (const file of queue) {
      if (stop.signal.aborted) return;
      const result = await runTestFile(join(root, file), file, {
        grep: options.grep,
        signal: stop.signal,
        progress: (line) => say(`  ${file}  ${line}`),
      });
      done.push(result);
      if (result.passed + result.failures.length + result.skipped > 0) say(progressLine(result));
    }
  };

  await worker(alone.filter((file) => files.includes(file)));
  await Promise.all(Array.from({ length: Math.max(1, Number(options.concurrency)) }, () => worker(queue)));
  return done;
}

function progressLine({ name, passed, failures, skipped, ms }: FileResult): string {
  const counts = [
    `${passed} passed`,
    failures.length > 0 && `${failures.length} FAILED`,
    skipped > 0 && `${skipped} skipped`,
  ];
  return `${failures.length > 0 ? '✗' : '✓'} ${name}  ${counts.filter(Boolean).join(', ')}  (${(ms / 1000).toFixed(1)} s)`;
}

function showFailures({ name, failures, output }: FileResult): void {
  for (const { title, where, why } of failures) say(`\n✗ ${title}\n  ${where}\n${why.replace(/^/gm, '  ')}`);
  if (failures.length > 0 && output) say(`\n  what ${name} printed:\n${output.replace(/^/gm, '  | ')}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
