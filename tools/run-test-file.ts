// Runs one test file in a process of its own and counts its leaf tests: neither suites nor tests that only hold
// others. What a file does beside its tests counts as well: a crash, an early exit, a handle that keeps it alive.
import { run } from 'node:test';
import { inspect } from 'node:util';

type Events = import('node:test').TestsStream;
export interface Failure {
  readonly title: string;
  readonly where: string;
  readonly why: string;
}
export interface FileResult {
  readonly name: string;
  readonly passed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
  /** The end of what it printed. */
  readonly output: string;
  readonly ms: number;
}

const testMs = 120_000;
const slowTestMs = 300_000; // those of chaos, e2e and sandbox start and kill whole systems, those of the simulator run thousands
const graceMs = 45_000;
const outputLinesMax = 60;

interface RunOptions {
  readonly grep?: string | undefined;
  readonly signal: AbortSignal;
  /** Is told each line that begins with `…`: what takes minutes should show that it goes on. */
  readonly progress?: ((line: string) => void) | undefined;
}

export async function runTestFile(
  file: string,
  name: string,
  { grep, signal, progress }: RunOptions,
): Promise<FileResult> {
  const started = performance.now();
  const timeoutMs = /^test\/(chaos|e2e|sandbox|simulator)\//.test(name) ? slowTestMs : testMs;
  const idle = new AbortController();
  const events: Events = run({
    files: [file],
    concurrency: 1,
    signal: AbortSignal.any([signal, idle.signal]),
    execArgv: [`--test-timeout=${timeoutMs}`],
    ...(grep === undefined ? {} : { testNamePatterns: [grep] }),
  });
  const stopWatching = watch(events, file, timeoutMs, idle);
  const { counts, output } = count(events, { file, name, isFiltered: grep !== undefined, signal, progress });
  for await (const _ of events);
  stopWatching();
  return { name, ...counts, output: output.slice(-outputLinesMax).join(''), ms: performance.now() - started };
}

/**
 * A test that takes too long fails by its own timeout. This is for a file that blocks, or that something keeps
 * alive after its last test: run() would wait for it for ever.
 */
function watch(events: Events, file: string, timeoutMs: number, idle: AbortController): () => void {
  let open = 0;
  let timer = setTimeout(() => idle.abort(), timeoutMs + graceMs);
  const restart = (change: number) => (test: { name: string }) => {
    if (test.name === file) return;
    open += change;
    clearTimeout(timer);
    timer = setTimeout(() => idle.abort(), open > 0 ? timeoutMs + graceMs : graceMs);
  };
  events.on('test:enqueue', restart(1));
  events.on('test:complete', restart(-1));
  return () => clearTimeout(timer);
}

interface Counts {
  passed: number;
  skipped: number;
  failures: Failure[];
}
interface Subject {
  readonly file: string;
  readonly name: string;
  readonly isFiltered: boolean;
  /** Aborted when the whole run is told to stop. */
  readonly signal: AbortSignal;
  readonly progress?: ((line: string) => void) | undefined;
}

/** Listens; the numbers are complete when the stream has ended. */
function count(
  events: Events,
  { file, name, isFiltered, signal, progress }: Subject,
): { counts: Counts; output: string[] } {
  const counts: Counts = { passed: 0, skipped: 0, failures: [] };
  const output: string[] = [];
  const titles: string[] = []; // of the tests that are open, outermost first
  let closedDepth = 0; // of the report before: a report from further out belongs to its parent

  events.on('test:start', (test) => {
    titles.length = test.nesting;
    titles.push(test.name);
  });
  events.on('test:pass', (test) => {
    const hasChildren = closedDepth > test.nesting;
    closedDepth = test.nesting;
    if (test.name === file) {
      // The file itself in place of its tests: it ended before it reported any.
      if (!isFiltered)
        counts.failures.push({ title: name, where: name, why: 'The file ended without having run a test.' });
    } else if (test.skip !== undefined || test.todo !== undefined) counts.skipped++;
    else if (test.details.type !== 'suite' && !hasChildren) counts.passed++;
  });
  events.on('test:fail', (test) => {
    closedDepth = test.nesting;
    const { error } = test.details;
    if (test.todo !== undefined) counts.skipped++;
    // A parent fails with its children, who have been counted; a failed hook or body is its own.
    else if (failureType(error) !== 'subtestsFailed') {
      const isFile = test.name === file;
      const title = [name, ...(isFile ? [] : titles.slice(0, test.nesting).concat(test.name))].join(' › ');
      const where = isFile ? name : `${name}:${test.line}:${test.column}`;
      counts.failures.push({ title, where, why: isFile ? fileFailure(error, signal) : reasonOf(error) });
    }
  });
  for (const type of ['test:stdout', 'test:stderr'] as const) {
    events.on(type, ({ message }) => {
      output.push(message);
      for (const line of message.split('\n')) if (line.startsWith('…')) progress?.(line);
      if (output.length > outputLinesMax * 4) output.splice(0, output.length - outputLinesMax);
    });
  }
  events.on('test:diagnostic', ({ file: of, message }) => {
    // Node.js tells an error after the end of a test only here, among its statistics.
    if (of === file && message.startsWith('Error:')) output.push(`${message}\n`);
  });
  return { counts, output };
}

function failureType(error: Error): string | undefined {
  return (error as Error & { failureType?: string }).failureType;
}

function fileFailure(error: Error, stopped: AbortSignal): string {
  if (stopped.aborted) return 'Stopped with the run.';
  if (failureType(error) === 'testAborted')
    return 'Stopped: it blocked, or something kept it alive after its last test.';
  const { exitCode, signal } = error as Error & { exitCode?: number; signal?: string };
  return `The file failed outside its tests (${signal ?? `exit ${exitCode}`}).`;
}

function reasonOf(error: Error): string {
  const cause = error.cause ?? error;
  // What node:test itself adds to the stack tells nothing about the failure.
  const text =
    cause instanceof Error && 'operator' in cause ? (cause.stack ?? cause.message) : inspect(cause, { depth: 4 });
  return text.replace(/\n +at .*node:internal.*/g, '').replace(/\n +at (async )?(Suite|Test)\..*/g, '');
}
