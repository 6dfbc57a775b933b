// The bench works: short runs of it, whose lines are right in everything but speed, which no test can say anything about.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
/** For machines that do much else meanwhile. */
const timeout = 400_000;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const run = async (program: string, ...args: string[]): Promise<Ended> => {
  const child = spawn(process.execPath, [join(root, 'bench', program), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // It makes them quick at once, which no test is about, and takes seconds at each start.
    env: { ...process.env, CAPSTAN_REHEARSE: '0' },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
};

interface Line {
  readonly bench: string;
  readonly tasks: number;
  readonly steps: number;
  readonly strict: boolean;
  readonly latency_ms: Readonly<Record<string, number>>;
  readonly cpu_s_per_1000_steps: Readonly<Record<string, number>>;
  readonly peak_memory_mib: Readonly<Record<string, number>>;
  readonly persisted_per_step: { readonly messages: number; readonly messages_by_stream: Record<string, number> };
}

const linesOf = ({ code, out, err }: Ended): Line[] => {
  assert.equal(code, 0, err);
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
};

test('each workload runs to its end, and its line says what it took', { timeout }, async () => {
  const lines = linesOf(await run('main.ts', '--most', '20'));
  assert.deepEqual(
    lines.map(({ bench, tasks, steps }) => [bench, tasks, steps]),
    [
      ['W1-c64', 20, 20],
      ['W1-c1', 20, 20],
      ['W2-c64', 20, 200],
      ['W2-c1', 20, 200],
      ['W3', 20, 420],
      ['W4-1000', 2, 42],
      ['W4-5000', 1, 21],
      ['W4-50000', 1, 21],
    ],
  );
  for (const line of lines) {
    const processes = ['nats-server', 'coordinator', 'executor', 'client'];
    assert.deepEqual(Object.keys(line.cpu_s_per_1000_steps), [...processes, 'total']);
    assert.deepEqual(Object.keys(line.peak_memory_mib), processes);
    assert.ok(Object.values(line.peak_memory_mib).every((mib) => mib > 1));
    assert.equal(line.persisted_per_step.messages_by_stream['CAPSTAN_ORDERS'], 1, 'one order for each step');
    assert.ok(line.persisted_per_step.messages >= 2, 'an order and a report for each step');
    const { p50 = 0, p95 = 0, p99 = 0 } = line.latency_ms;
    assert.ok(p50 > 0 && p50 <= p95 && p95 <= p99);
  }
});

test('with several coordinators and executors, and a server that syncs first, the results are the same', {
  timeout,
}, async () => {
  const more = ['--coordinators', '2', '--executors', '2', '--strict', '--door', 'durable'];
  const [line] = linesOf(await run('main.ts', '--only', 'W3', '--most', '10', ...more));
  assert.deepEqual([line?.tasks, line?.steps, line?.strict], [10, 110, true]);
  assert.ok(line !== undefined && 'executor-2' in line.cpu_s_per_1000_steps);
});

test('open tasks are all there after the coordinator was killed', { timeout }, async () => {
  const lines = linesOf(await run('main.ts', '--only', 'RECOVERY', '--open', '200')) as unknown as {
    bench: string;
    open: number;
    looked_at: number;
    approved_and_done: number;
  }[];
  const found = lines.filter(({ bench }) => bench === 'RECOVERY');
  assert.deepEqual(
    found.map(({ open, looked_at }) => [open, looked_at]),
    [
      [200, 200],
      [200, 200],
    ],
  );
  assert.equal(found[0]?.approved_and_done, 200);
});

test('a profile says in which functions the time went', { timeout }, async () => {
  const { code, err } = await run('main.ts', '--only', 'W1', '--most', '20', '--profile', 'coordinator');
  assert.equal(code, 0, err);
  assert.match(err, /busy \d+ ms, idle \d+ ms/);
  assert.match(err, /services\/coordinator\/src\/partition\.ts:\d+/);
});

test('a mistake in the options is said in one line, with what there is', async () => {
  const { code, err } = await run('main.ts', '--only', 'W9');
  assert.equal(code, 2);
  assert.match(err, /^bench: --only W9: there is no such bench; there are W1, .*--help/);
});

test('lines of other engines become a table of the worst ratios', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'capstan-compare-'));
  const line = (peer: string, rep: number, tasksPerSec: number, cpu: number) =>
    JSON.stringify({
      peer,
      measure: 'W1-c64',
      rep,
      tasksPerSec,
      latencyMs: { p50: 1 },
      cpuSecPer1000Tasks: { total: cpu },
      noise: { disturbed: rep === 1 },
    });
  const rounds = [line('bullmq', 0, 1_000, 1), line('capstan', 0, 2_500, 0.4), line('capstan', 1, 3_400, 0.4)];
  writeFileSync(join(dir, 'a.jsonl'), [...rounds, line('bullmq', 1, 2_000, 1), '{"summary":"W1-c64"}'].join('\n'));
  try {
    const { code, out, err } = await run('write-performance.ts', '--print', join(dir, 'a.jsonl'));
    assert.equal(code, 0, err);
    assert.match(
      out,
      /\| W1-c64 throughput \| 2 \| 2950 \| 1500 \| 1\.70 \| 2\.10 \| 1\.6 \| 2\.2 \| reached, 1 disturbed \|/,
    );
    assert.match(
      out,
      /\| W1-c64 processor time per step \| 2 \| 0\.4 \| 1 \| 0\.40 \| 0\.40 \| 0\.75 \| 0\.5 \| aim reached/,
    );
    assert.doesNotMatch(out, /Strict/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
