import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { OutboundError, type OutboundRequest, request, retryAfterMs, type ToldRequest } from './request.ts';

const serve = async (t: TestContext, on: RequestListener): Promise<number> => {
  const server = createServer(on);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
};

const ask = (port: number, more: Partial<OutboundRequest> = {}) =>
  request({
    method: 'GET',
    url: `http://127.0.0.1:${port}/`,
    timeoutMs: 5_000,
    bytesMax: 1_000,
    places: { allow: [`127.0.0.1:${port}`] },
    ...more,
  });

const codeOf = async (asked: Promise<unknown>): Promise<string> => {
  const error = await asked.then(
    () => null,
    (error: unknown) => error,
  );
  assert.ok(error instanceof OutboundError, String(error));
  return error.code;
};

test('sends what it is told and returns any status', async (t) => {
  let got: IncomingMessage | undefined;
  const port = await serve(t, (incoming, response) => {
    got = incoming;
    incoming.on('data', (chunk: Buffer) => response.writeHead(418, { 'x-a': 'b' }).end(`got ${chunk.toString()}`));
  });
  const answer = await ask(port, { method: 'post', body: 'hällo', headers: { 'X-Key': 'k' } });
  assert.equal(answer.status, 418);
  assert.equal(answer.body.toString(), 'got hällo');
  assert.equal(answer.headers['x-a'], 'b');
  assert.equal(got?.method, 'POST');
  assert.equal(got?.headers['x-key'], 'k');
  assert.equal(got?.headers['content-length'], '6');
});

test('private addresses are refused before anything is sent, also behind a name', async (t) => {
  let asked = 0;
  const port = await serve(t, (_, response) => {
    asked++;
    response.end();
  });
  for (const host of ['127.0.0.1', 'localhost', '[::1]', '0x7f000001', '2130706433', '[::ffff:127.0.0.1]']) {
    assert.equal(
      await codeOf(ask(port, { url: `http://${host}:${port}/`, places: { allow: [] } })),
      'forbidden_address',
      host,
    );
  }
  assert.equal(
    await codeOf(ask(port, { places: { allow: [`127.0.0.1:${port}`], only: [['example.com:443']] } })),
    'forbidden_address',
  );
  assert.equal(asked, 0);
});

test('a redirect is checked like the first address, and credentials stay behind', async (t) => {
  const seen: IncomingMessage['headers'][] = [];
  const second = await serve(t, (incoming, response) => {
    seen.push(incoming.headers);
    response.end(incoming.method);
  });
  const first = await serve(t, (incoming, response) => {
    response
      .writeHead(incoming.url === '/keep' ? 307 : 302, { location: `http://127.0.0.1:${second}/there?x=1` })
      .end();
  });
  const asked = {
    method: 'POST',
    body: 'b',
    headers: { Authorization: 'Bearer x', 'x-mine': '1', 'content-type': 'text/plain' },
  };
  assert.equal(await codeOf(ask(first, asked)), 'forbidden_address');
  assert.equal(seen.length, 0);
  const places = { allow: [`127.0.0.1:${first}`, `127.0.0.1:${second}`] };
  const answer = await ask(first, { ...asked, places });
  assert.equal(answer.body.toString(), 'GET');
  assert.equal(answer.url, `http://127.0.0.1:${second}/there?x=1`);
  assert.equal(seen[0]?.authorization, undefined);
  assert.equal(seen[0]?.['content-type'], undefined);
  assert.equal(seen[0]?.['x-mine'], undefined);
  const keep = { ...asked, url: `http://127.0.0.1:${first}/keep`, places };
  // The body may hold a secret as well as any header.
  seen.length = 0;
  assert.equal(await codeOf(ask(first, keep)), 'redirect_with_body');
  assert.equal(seen.length, 0);
  const kept = await ask(first, { method: 'DELETE', headers: asked.headers, url: keep.url, places });
  assert.equal(kept.body.toString(), 'DELETE');
});

test('a body goes along where a redirect stays, and every request is told', async (t) => {
  const port = await serve(t, (incoming, response) => {
    if (incoming.url === '/there') incoming.pipe(response);
    else response.writeHead(308, { location: '/there' }).end();
  });
  const told: ToldRequest[] = [];
  const url = `http://127.0.0.1:${port}/first?key=1`;
  const answer = await ask(port, { method: 'PUT', body: 'b', url, told: (one) => told.push(one) });
  assert.equal(answer.body.toString(), 'b');
  await codeOf(ask(port, { method: 'PUT', url, redirectsMax: 0, told: (one) => told.push(one) }));
  await codeOf(ask(port, { places: { allow: [] }, told: (one) => told.push(one) }));
  assert.deepEqual(
    told.map((one) => [one.method, one.url.replace(/.*\//, ''), one.status ?? one.error?.includes('private')]),
    [
      ['PUT', 'first', 308],
      ['PUT', 'there', 200],
      ['PUT', 'first', 308],
      ['GET', '', true],
    ],
  );
});

test('redirects come to an end', async (t) => {
  const port = await serve(t, (_, response) => response.writeHead(302, { location: '/again' }).end());
  assert.equal(await codeOf(ask(port)), 'too_many_redirects');
});

test('reads no more than it may', async (t) => {
  const port = await serve(t, (_, response) => void response.end('x'.repeat(100_000)));
  const answer = await ask(port, { bytesMax: 10 });
  assert.equal(answer.body.length, 10);
  assert.equal(answer.truncated, true);
});

test('gives up at the time limit, also while an answer trickles in, and when told to', async (t) => {
  const silent = await serve(t, () => {});
  assert.equal(await codeOf(ask(silent, { timeoutMs: 30 })), 'timeout');
  const trickling = await serve(t, (_, response) => void response.write('a'));
  assert.equal(await codeOf(ask(trickling, { timeoutMs: 100 })), 'timeout');
  const abort = new AbortController();
  const asked = codeOf(ask(silent, { signal: abort.signal }));
  abort.abort();
  assert.equal(await asked, 'aborted');
});

test('what is no address, or nobody answers, is said', async () => {
  const places = { allow: ['127.0.0.1:*'] };
  assert.equal(await codeOf(ask(1, { url: 'file:///etc/passwd', places })), 'invalid_url');
  assert.equal(await codeOf(ask(1, { url: 'nonsense', places })), 'invalid_url');
  assert.equal(await codeOf(ask(1, { url: 'http://user:password@127.0.0.1:1/', places })), 'invalid_url');
  assert.equal(await codeOf(ask(1, { places })), 'unreachable');
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(retryAfterMs('3', now), 3_000);
  assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:00:10 GMT', now), 10_000);
  assert.equal(retryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', now), 0);
  assert.equal(retryAfterMs('soon', now), null);
  assert.equal(retryAfterMs(undefined, now), null);
});
