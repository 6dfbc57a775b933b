// Against local servers: one that is healthy when the test says so, and one that answers as Prometheus documents its HTTP API.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Json } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { newExecutor } from '../executor.ts';

const fixture = async (t: TestContext, on: RequestListener) => {
  const server = createServer(on).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const place = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const world = await newAgentWorld();
  t.after(async () => {
    await world[Symbol.asyncDispose]();
    server.close();
    server.closeAllConnections();
  });
  await world.start(newExecutor(), { CAPSTAN_HTTP_ALLOW: place });
  const watch = async (input: Record<string, Json>) =>
    world.report(await world.order({ queue: 'executor', capability: 'monitor', input: { every_ms: 10, ...input } }));
  return { url: `http://${place}`, watch, world };
};

interface Result {
  readonly checks: number;
  readonly healthy: boolean;
  readonly seen: readonly { what: string; healthy: boolean }[];
}

test('it waits until the address has been healthy for a while without a break', async (t) => {
  const statuses = [503, 200, 500, 200];
  const { url, watch, world } = await fixture(t, (_, response) =>
    response.writeHead(statuses.length > 1 ? (statuses.shift() as number) : 200).end('all is well'),
  );
  const { outcome, output } = await watch({ http: { url, contains: 'well' }, healthy_for_ms: 50 });
  const { seen, checks } = output as unknown as Result;
  assert.equal(outcome, 'succeeded');
  assert.deepEqual(
    seen.map(({ what }) => what),
    ['it answers 503', 'it answers 200', 'it answers 500', 'it answers 200'],
  );
  assert.ok(checks > 4);
  assert.match(world.logged.join(''), /"status":503.*"msg":"Request\."/);
});

test('what is not healthy in time fails for good, with what was seen', async (t) => {
  const { url, watch } = await fixture(t, (_, response) => response.end('half'));
  const { error, output } = await watch({ http: { url, contains: 'whole' }, healthy_for_ms: 0, give_up_ms: 60 });
  assert.deepEqual([error?.code, error?.retryable], ['unhealthy', false]);
  assert.match(error?.message ?? '', /\d+ checks it is not healthy: it answers 200, and its body has no "whole"/);
  assert.equal((output as unknown as Result).healthy, false);
  const away = await watch({ http: { url: 'http://127.0.0.1:1/' }, give_up_ms: 60, healthy_for_ms: 0 });
  // An address that may not be reached will not become one that may.
  assert.equal(away.error?.code, 'http_forbidden_address');
});

test('a query is healthy while every value is within its limits', async (t) => {
  let value = '0.2';
  const { url, watch } = await fixture(t, (request, response) => {
    const query = new URL(request.url ?? '', 'http://x').searchParams.get('query');
    response.setHeader('content-type', 'application/json');
    if (query === 'broken(')
      return response.writeHead(400).end('{"status":"error","errorType":"bad_data","error":"parse error"}');
    const result =
      query === 'none' ? [] : [{ metric: { __name__: 'errors', job: 'web' }, value: [1_700_000_000, value] }];
    value = '0.001';
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  });
  const ask = (query: string, more: object = {}) =>
    watch({ promql: { url, query, below: 0.01, ...more }, healthy_for_ms: 20, give_up_ms: 100 });
  const { output } = await ask('errors');
  assert.deepEqual(
    (output as unknown as Result).seen.map(({ what }) => what),
    ['errors{job="web"} is 0.2, to be below 0.01', 'errors{job="web"} is 0.001, to be below 0.01'],
  );
  assert.match((await ask('none')).error?.message ?? '', /the query has no value/);
  assert.equal((await ask('none', { empty: 'healthy' })).outcome, 'succeeded');
  assert.deepEqual((await ask('broken(')).error?.code, 'invalid_query');
});
