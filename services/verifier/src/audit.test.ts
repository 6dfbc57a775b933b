// The real npm in a container asks a registry of ours, which answers as npm's does about what it knows to be vulnerable.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Json, Report } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { missingSandbox, newScope } from '@capstan/sandbox/testing';
import { newVerifier } from './verifier.ts';

const advisory = {
  id: 1_106_913,
  url: 'https://github.com/advisories/GHSA-35jh-r3h4-6jhm',
  title: 'Command Injection in lodash',
  severity: 'high',
  vulnerable_versions: '<4.17.21',
  cwe: ['CWE-77', 'CWE-94'],
  cvss: { score: 7.2, vectorString: 'CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H' },
};

/** Not 127.0.0.1, which is that of the sandbox inside of it. */
const startRegistry = async (t: TestContext) => {
  const asked: unknown[] = [];
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    response.setHeader('content-type', 'application/json');
    if (request.url === '/-/npm/v1/security/advisories/bulk') {
      asked.push(JSON.parse(body.toString()));
      return void response.end(JSON.stringify({ lodash: [advisory] }));
    }
    if (request.url !== '/lodash') return void response.writeHead(404).end('{}');
    const versions = ['4.17.20', '4.17.21'].map((version) => [version, { name: 'lodash', version, dist: {} }]);
    response.end(
      JSON.stringify({ name: 'lodash', 'dist-tags': { latest: '4.17.21' }, versions: Object.fromEntries(versions) }),
    );
  }).listen(0, '127.0.0.2');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { asked, place: `127.0.0.2:${(server.address() as AddressInfo).port}` };
};

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
};

const dependencies = { lodash: '4.17.20' };
const lock = {
  name: 'shop',
  lockfileVersion: 3,
  requires: true,
  packages: { '': { name: 'shop', dependencies }, 'node_modules/lodash': { version: '4.17.20' } },
};

const fixture = async (t: TestContext, place: string, env: NodeJS.ProcessEnv) => {
  const { scope, remove } = newScope();
  const world = await newAgentWorld();
  t.after(async () => {
    await world[Symbol.asyncDispose]();
    assert.deepEqual(remove(), [], 'a container is left');
  });
  await world.start(newVerifier(), { CAPSTAN_SANDBOX_SCOPE: scope, CAPSTAN_SANDBOX_ALLOW: place, ...env });
  let steps = 0;
  const verify = async (check: object, more: object = {}): Promise<Report> =>
    world.report(
      await world.order({
        queue: 'verifier',
        capability: 'verify',
        input: { checks: [check as Json] },
        task_id: 'audited',
        step_id: `s${++steps}`,
        ...more,
      }),
    );
  const files = {
    'package.json': JSON.stringify({ name: 'shop', dependencies }),
    'package-lock.json': JSON.stringify(lock),
    '.npmrc': `registry=http://${place}/\n`,
    'go.mod': 'module shop\n',
  };
  const write = `mkdir code; cd code; ${Object.keys(files)
    .map((name, at) => `printf %s "$F${at}" >${name}`)
    .join('; ')}`;
  const written = Object.fromEntries(Object.values(files).map((text, at) => [`F${at}`, text]));
  await verify({ command: ['sh', '-c', write], env: written });
  return verify;
};

const brief = ({ findings = [] }: Report) => findings.map(({ severity, message }) => `${severity}: ${message}`);

const skip = missingSandbox() ?? false;
test('where the configuration names the places, dependencies are audited: what is found counts, what can not be asked is noted', {
  skip,
}, async (t) => {
  const { asked, place } = await startRegistry(t);
  const verify = await fixture(t, place, { CAPSTAN_AUDIT: place });
  const report = await verify({ repository: 'code', stages: ['security'] });
  assert.equal(report.outcome, 'succeeded', report.error?.message);
  const output = report.output as { passed: boolean; checks: { name: string; passed: boolean }[] };
  assert.deepEqual(
    output.checks.map(({ name, passed }) => [name, passed]),
    [
      ['npm audit', true],
      ['osv-scanner', true],
    ],
  );
  assert.deepEqual(brief(report), [
    'major: lodash <4.17.21: Command Injection in lodash (https://github.com/advisories/GHSA-35jh-r3h4-6jhm)',
    'minor: osv-scanner was not run: "osv-scanner" is not in the image that this step runs in.',
  ]);
  assert.deepEqual(asked, [{ lodash: ['4.17.20'] }]);
});

test('otherwise nobody is asked, but where the plan says so: then with the way out of its step', {
  skip,
}, async (t) => {
  const { asked, place } = await startRegistry(t);
  const verify = await fixture(t, place, {});
  const security = { repository: 'code', stages: ['security'] };
  assert.deepEqual(
    [brief(await verify(security, { sandbox: { egress: [place] } })).length, asked.length],
    [1, 0],
    'there is nothing to run, and that is said',
  );
  const audited = { ...security, audit: true };
  assert.match(brief(await verify(audited, { sandbox: { egress: [place] } }))[0] ?? '', /^major: lodash/);
  assert.equal(asked.length, 1);
  const without = await verify(audited);
  assert.match(brief(without)[0] ?? '', /^minor: npm audit ended with 1/);
  assert.deepEqual([(without.output as { passed: boolean }).passed, asked.length], [true, 1]);
});
