import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newHealth, serveHealth } from './health.ts';

test('alive at once, ready once every check says so', async (t) => {
  const health = newHealth();
  let why: string | null = 'waiting for NATS';
  health.check('bus', () => why);
  const server = await serveHealth(health, 0, '127.0.0.1');
  t.after(() => server.stop());
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return [response.status, await response.json()];
  };
  assert.deepEqual(await ask('/healthz'), [200, { status: 'ok' }]);
  assert.deepEqual(await ask('/readyz'), [503, { status: 'not ready', wrong: { bus: 'waiting for NATS' } }]);
  why = null;
  assert.deepEqual(await ask('/readyz?x=1'), [200, { status: 'ok' }]);
  assert.equal((await ask('/other'))[0], 404);
});
