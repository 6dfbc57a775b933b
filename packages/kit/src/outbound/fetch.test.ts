import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { newFetch } from './fetch.ts';
import type { ToldRequest } from './request.ts';

const serve = async (t: TestContext, on: RequestListener): Promise<string> => {
  const server = createServer(on).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

test('it is fetch: method, headers and body arrive, the answer streams, and each request is told without its query', async (t) => {
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  const place = await serve(t, async (request, response) => {
    const body = (await request.toArray()).join('');
    response.writeHead(201, { 'x-saw': `${request.method} ${request.headers['x-mine']} ${body}` }).write('one ');
    await goOn;
    response.end('two');
  });
  const told: ToldRequest[] = [];
  const own = newFetch({ places: { allow: [place] }, timeoutMs: 5_000, told: (one) => told.push(one) });
  const answer = await own(`http://${place}/a?token=t`, { method: 'POST', headers: { 'x-mine': 'm' }, body: 'b' });
  assert.deepEqual([answer.status, answer.headers.get('x-saw')], [201, 'POST m b']);
  const reader = answer.body!.getReader();
  assert.equal(Buffer.from((await reader.read()).value!).toString(), 'one ');
  resolve();
  assert.equal(Buffer.from((await reader.read()).value!).toString(), 'two');
  assert.deepEqual(
    told.map(({ method, url, status }) => ({ method, url, status })),
    [{ method: 'POST', url: `http://${place}/a`, status: 201 }],
  );
});

test('a place that is not allowed is not reached, which is told too', async (t) => {
  const place = await serve(t, () => assert.fail('reached'));
  const told: ToldRequest[] = [];
  const own = newFetch({ places: { allow: [] }, timeoutMs: 5_000, told: (one) => told.push(one) });
  await assert.rejects(own(`http://${place}/`), { code: 'forbidden_address' });
  assert.match(told[0]?.error ?? '', /private address/);
});

test('the signal of the caller and that of the work both end it, also in the middle of an answer', async (t) => {
  const place = await serve(t, (_, response) => void response.write('begun'));
  const work = new AbortController();
  const own = newFetch({ places: { allow: [place] }, timeoutMs: 60_000, signal: work.signal });
  const answer = await own(`http://${place}/`);
  const text = answer.text();
  work.abort();
  await assert.rejects(text);
});
