// The adapter does what a bench of several engines asks of one, in processes as that bench has them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const adapter = pathToFileURL(join(import.meta.dirname, '../../bench/peer-adapter.mjs')).href;

/** What a role of such a bench does: it has the adapter's module and what the start of the server gave. */
const role = async (code: string, given: unknown): Promise<unknown> => {
  const text = `const adapter = await import(${JSON.stringify(adapter)}); const given = ${JSON.stringify(given)};
    const say = (what) => process.stdout.write('said ' + JSON.stringify(what) + '\\n'); ${code}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  const said = /^said (.*)$/m.exec(out)?.[1];
  assert.ok(said, err);
  return JSON.parse(said) as unknown;
};

test('tasks run through it, every body is counted, and its processes end as they are told', {
  timeout: 120_000,
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'capstan-peer-'));
  try {
    const found = await role(
      `const { procs, cfg } = await adapter.startServer({ dir: given.dir, opts: given.opts, logFile: '' });
       const worker = await adapter.startWorker(cfg);
       const client = await adapter.connectClient(cfg);
       const results = await Promise.all([{ kind: 'single' }, { kind: 'chain', n: 3 }, { kind: 'fan', n: 5 }].map((shape) => client.run(shape)));
       const alive = procs.map(({ pid, exitCode }) => pid > 0 && exitCode === null);
       await client.close(); await worker.close();
       for (const one of procs) await new Promise((gone) => { one.once('exit', gone); one.kill('SIGTERM'); });
       say({ results, count: worker.count(), alive, durability: adapter.durability(given.opts) });
       process.exit(0);`,
      { dir, opts: { sync: 'always' } },
    );
    assert.deepEqual(found, {
      results: [1, 3, 5],
      count: 10,
      alive: [true, true],
      durability: 'file streams, R1, sync_interval always (fsync before every ack)',
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
