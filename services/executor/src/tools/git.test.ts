// Real git on both sides: a repository served by git's own HTTP backend behind a password, and one in a folder.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Json, Report } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { missingSandbox, newScope } from '@capstan/sandbox/testing';
import { newExecutor } from '../executor.ts';

const token = 'canary-git-token-4711';

const own = (folder: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main', ...args], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();

/** A bare repository with one commit on main, and one on the branch feature. */
const seed = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-git-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const work = join(folder, 'work');
  mkdirSync(work);
  own(work, 'init', '-q');
  writeFileSync(join(work, 'a.txt'), 'one\n');
  own(work, 'add', '.');
  own(work, 'commit', '-qm', 'first');
  own(work, 'checkout', '-qb', 'feature');
  writeFileSync(join(work, 'b.txt'), 'two\n');
  own(work, 'add', '.');
  own(work, 'commit', '-qm', 'second');
  own(work, 'checkout', '-q', 'main');
  own(folder, 'clone', '-q', '--bare', 'work', 'team.git');
  own(join(folder, 'team.git'), 'config', 'http.receivepack', 'true');
  return folder;
};

/** git's own backend, as a CGI program; it wants the token. */
const serve = async (t: TestContext, root: string): Promise<string> => {
  const expected = `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
  const server = createServer((request, response) => {
    if (request.headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const url = new URL(request.url ?? '', 'http://x');
    const backend = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env['PATH'],
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        REQUEST_METHOD: request.method,
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        REMOTE_USER: 'x',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    request.pipe(backend.stdin);
    void backend.stdout.toArray().then((chunks: Buffer[]) => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      let status = 200;
      for (const row of all.subarray(0, end).toString().split('\r\n')) {
        const [name = '', value = ''] = row.split(/: (.*)/);
        if (name === 'Status') status = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.writeHead(status).end(all.subarray(end + 4));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const fixture = async (t: TestContext, env: NodeJS.ProcessEnv) => {
  process.env['GIT_CANARY'] = token;
  const world = await newAgentWorld();
  t.after(() => world[Symbol.asyncDispose]());
  await world.start(newExecutor(), env);
  let step = 0;
  const run = async (input: object, capability = 'git', step_id = `s${++step}`): Promise<Report> =>
    world.report(
      await world.order({
        queue: 'executor',
        capability,
        input: input as Record<string, Json>,
        task_id: 'one',
        step_id,
      }),
    );
  return { run, world };
};

const outputOf = (report: Report): Record<string, unknown> => {
  assert.equal(report.outcome, 'succeeded', report.error?.message);
  return report.output as Record<string, unknown>;
};

type Run = Awaited<ReturnType<typeof fixture>>['run'];

const wholeLife = async (run: Run, folder: string, place: string) => {
  const repository = `http://${place}/team.git`;
  const secret = { token: { $secret: 'env:GIT_CANARY' } };
  const first = outputOf(await run({ action: 'clone', repository, ref: 'feature', path: 'code', ...secret }));
  assert.deepEqual([first['branch'], first['repository'], first['path']], ['feature', repository, 'code']);
  // A hook of the repository would run at the next commit.
  const hook = '#!/bin/sh\ntouch ../hooked\n';
  const files = ['pre-commit', 'post-commit', 'pre-push', 'post-checkout'].map((name) => ({
    path: `code/.git/hooks/${name}`,
    content: hook,
    executable: true,
  }));
  outputOf(await run({ action: 'write', files: [...files, { path: 'code/new.txt', content: 'new\n' }] }, 'files'));
  outputOf(await run({ action: 'branch', name: 'work/one', path: 'code' }));
  const compared = outputOf(await run({ action: 'diff', path: 'code' }));
  assert.deepEqual(compared['files'], [{ path: 'new.txt', added: 1, removed: 0 }]);
  assert.match(String(compared['patch']), /^\+new$/m);
  const made = outputOf(await run({ action: 'commit', message: 'Third', path: 'code' }, 'git', 'commit'));
  assert.deepEqual([made['branch'], made['nothing']], ['work/one', false]);
  // The same step again, as after a lost report: the commit that is there is its own.
  const again = outputOf(await run({ action: 'commit', message: 'Third', path: 'code' }, 'git', 'commit'));
  assert.deepEqual([again['commit'], again['nothing']], [made['commit'], false]);
  // Of a step whose name begins as that one's, it is not.
  const other = outputOf(await run({ action: 'commit', message: 'Third', path: 'code' }, 'git', 'comm'));
  assert.equal(other['nothing'], true);
  const pushed = outputOf(await run({ action: 'push', branch: 'work/one', repository, path: 'code', ...secret }));
  assert.equal(pushed['commit'], made['commit']);
  assert.equal(own(join(folder, 'team.git'), 'rev-parse', 'work/one'), made['commit']);
  assert.match(
    own(join(folder, 'team.git'), 'log', '-1', '--format=%B', 'work/one'),
    /^Third\n\nCapstan-Step: one\.commit$/,
  );
  const hooked = outputOf(await run({ command: ['ls'] }, 'shell'))['stdout'];
  assert.equal(hooked, 'code\n');
  // Cloned again into the same place, as by a second attempt.
  outputOf(await run({ action: 'clone', repository, path: 'code', ...secret }));
  const config = outputOf(await run({ command: 'cat code/.git/config; env', shell: true }, 'shell'))['stdout'];
  assert.doesNotMatch(String(config), /canary|masked|Authorization/);
};

test('cloned with a token, changed, committed, compared, pushed; no hook runs, and the token stays outside', async (t) => {
  const folder = seed(t);
  const place = await serve(t, folder);
  const { run, world } = await fixture(t, { CAPSTAN_UNSAFE_HOST_SHELL: '1', CAPSTAN_HTTP_ALLOW: place });
  const seen: string[] = [];
  world.bus.listen('>', ({ data }) => void seen.push(Buffer.from(data).toString()));
  await wholeLife(run, folder, place);
  const denied = (
    await run({ action: 'clone', repository: `http://${place}/team.git`, path: 'x', token: 'wrong-token' })
  ).error;
  assert.deepEqual([denied?.code, denied?.retryable], ['git_denied', false]);
  const everywhere = [...seen, ...world.logged].join('\n');
  const proof = Buffer.from(`x-access-token:${token}`).toString('base64');
  for (const form of [token, proof, 'canary']) assert.equal(everywhere.includes(form), false, form);
  assert.match(world.logged.join(''), /"command":"git push","repository":"http:\/\/127\.0\.0\.1:\d+\/team\.git"/);
});

const skip = missingSandbox() ?? false;
test('the same with the workspace in containers, which reach nothing', { skip }, async (t) => {
  const folder = seed(t);
  const place = await serve(t, folder);
  const { scope, remove } = newScope();
  const { run } = await fixture(t, { CAPSTAN_SANDBOX_SCOPE: scope, CAPSTAN_HTTP_ALLOW: place });
  t.after(remove);
  await wholeLife(run, folder, place);
});

test('a folder only where the configuration allows it; private addresses, options and other protocols never', async (t) => {
  const folder = seed(t);
  const { run } = await fixture(t, { CAPSTAN_UNSAFE_HOST_SHELL: '1', CAPSTAN_GIT_LOCAL: `${folder}/team.git` });
  assert.equal(outputOf(await run({ action: 'clone', repository: `${folder}/team.git` }))['branch'], 'main');
  const other = join(folder, 'work');
  for (const [repository, code] of [
    [other, 'git_refused'],
    [`${folder}/team.git/../work`, 'git_refused'],
    ['http://127.0.0.1:1/x.git', 'http_forbidden_address'],
    ['http://169.254.169.254/x.git', 'http_forbidden_address'],
    ['ext::sh -c "touch /tmp/pwned"', 'git_refused'],
    ['--upload-pack=touch /tmp/pwned', 'git_refused'],
    ['git@github.com:a/b.git', 'git_refused'],
  ] as const)
    assert.equal((await run({ action: 'clone', repository, path: 'y' })).error?.code, code, repository);
  assert.equal(existsSync('/tmp/pwned'), false);
});

test('what others have pushed meanwhile is not overwritten', async (t) => {
  const folder = seed(t);
  const { run } = await fixture(t, { CAPSTAN_UNSAFE_HOST_SHELL: '1', CAPSTAN_GIT_LOCAL: `${folder}/*` });
  await run({ action: 'clone', repository: `${folder}/team.git` });
  const work = join(folder, 'work');
  writeFileSync(join(work, 'theirs.txt'), 'x\n');
  own(work, 'add', '.');
  own(work, 'commit', '-qm', 'theirs');
  own(work, 'push', '-q', '../team.git', 'main');
  await run({ action: 'write', files: [{ path: 'ours.txt', content: 'y\n' }] }, 'files');
  outputOf(await run({ action: 'commit', message: 'ours' }));
  const { error } = await run({ action: 'push', branch: 'main' });
  assert.deepEqual([error?.code, error?.retryable], ['git_rejected', false]);
  assert.equal(own(join(folder, 'team.git'), 'log', '-1', '--format=%s', 'main'), 'theirs');
});

test('a token never goes where the workspace says that it was cloned from', async (t) => {
  const folder = seed(t);
  const heard: unknown[] = [];
  const elsewhere = createServer(({ headers }, response) => {
    heard.push(headers.authorization);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
  }).listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  t.after(() => {
    elsewhere.close();
    elsewhere.closeAllConnections();
  });
  const place = `127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
  const local = { CAPSTAN_UNSAFE_HOST_SHELL: '1', CAPSTAN_GIT_LOCAL: `${folder}/*` };
  const { run } = await fixture(t, { ...local, CAPSTAN_HTTP_ALLOW: place });
  outputOf(await run({ action: 'clone', repository: `${folder}/team.git`, path: 'code' }));
  const command = ['git', '-C', 'code', 'remote', 'set-url', 'origin', `http://${place}/steal.git`];
  outputOf(await run({ command }, 'shell'));
  for (const secret of [{ token: { $secret: 'env:GIT_CANARY' } }, {}]) {
    const { error } = await run({ action: 'push', branch: 'main', path: 'code', ...secret });
    assert.equal(error?.code, 'invalid_input');
    assert.match(error?.message ?? '', /^repository: is not said, .* Write the address to push to into the step\.$/);
  }
  assert.deepEqual(heard, []);
});
