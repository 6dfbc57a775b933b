import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { newBreaker } from './breaker.ts';
import { allocated, loadManifest } from './manifest.ts';

const sample = join(import.meta.dirname, '../../../../examples/mcp/agents-manifest.json');

test('the sample that ships is a manifest, and gives the executor what is shared and what is its own', () => {
  const tools = allocated(loadManifest(sample), 'executor');
  assert.deepEqual([...(tools.get('gitmcp') ?? [])], ['clone', 'commit', 'push', 'status', 'diff']);
  assert.deepEqual([...(tools.get('time') ?? [])], ['*']);
  assert.deepEqual([...allocated(loadManifest(sample), 'other').keys()], ['time', 'fetch']);
});

test('a mistake is told with file, place and what to do', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-manifest-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'm.json');
  const mistake = (manifest: unknown): string => {
    writeFileSync(file, typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
    try {
      loadManifest(file);
      return 'none';
    } catch (error) {
      return (error as Error).message.replace(file, 'm.json');
    }
  };
  assert.match(mistake('{'), /^m\.json: is no JSON/);
  assert.match(mistake({ servers: { a: {} } }), /^m\.json: servers\.a: must have exactly one of command, url/);
  assert.match(mistake({ servers: { a: { gateway: true } } }), /servers\.a: needs a "gateway"/);
  assert.match(
    mistake({ servers: { a: { url: 'http://x' } }, shared: { b: ['*'] } }),
    /shared\.b: is not among the servers \(a\)/,
  );
  assert.match(mistake({ servers: { a: { url: 'file:///x' } } }), /servers\.a\.url/);
  rmSync(file);
  assert.throws(() => loadManifest(file), /ENOENT.*CAPSTAN_AGENTS_MANIFEST/);
});

test('the breaker opens after failures in a row, lets one try through, and waits longer each time that fails', () => {
  let now = 0;
  const breaker = newBreaker({ failuresMax: 2, openMs: 10, openMsMax: 30, now: () => now });
  breaker.failed();
  breaker.succeeded();
  breaker.failed();
  assert.equal(breaker.wait(), null);
  breaker.failed();
  assert.deepEqual([breaker.state, breaker.wait()], ['open', 10]);
  now = 10;
  assert.deepEqual([breaker.state, breaker.wait(), breaker.wait()], ['half-open', null, 10]);
  breaker.failed();
  assert.equal(breaker.wait(), 20);
  now = 30;
  assert.equal(breaker.wait(), null);
  breaker.succeeded();
  assert.deepEqual([breaker.state, breaker.wait()], ['closed', null]);
});
