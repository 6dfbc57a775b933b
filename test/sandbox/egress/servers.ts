// What stands for the outside: a package registry and a git host, each speaking the real protocol.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { join } from 'node:path';

export const newServers = (place: string): RequestListener => {
  const tarball = packageOf(place);
  const root = repositoryOf(place);
  return (request, response) => {
    const host = request.headers.host?.replace(/:\d+$/, '');
    if (host === 'registry.test') registry(request, response, tarball);
    else if (host === 'git.test') git(request, response, root);
    else response.end(`hello from ${host}\n`);
  };
};

const packageOf = (place: string): Buffer => {
  const folder = join(place, 'package');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'greeting', version: '1.0.0', main: 'index.js' }));
  writeFileSync(join(folder, 'index.js'), "module.exports = 'hello from a package';\n");
  spawnSync('tar', ['-C', place, '-czf', join(place, 'greeting.tgz'), 'package']);
  return readFileSync(join(place, 'greeting.tgz'));
};

const registry = (request: IncomingMessage, response: ServerResponse, tarball: Buffer): void => {
  if (request.url === '/greeting/-/greeting-1.0.0.tgz') return void response.end(tarball);
  if (request.url !== '/greeting') return void response.writeHead(404).end('{}');
  const dist = {
    tarball: 'https://registry.test/greeting/-/greeting-1.0.0.tgz',
    integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
  };
  const versions = { '1.0.0': { name: 'greeting', version: '1.0.0', main: 'index.js', dist } };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ name: 'greeting', 'dist-tags': { latest: '1.0.0' }, versions }));
};

const repositoryOf = (place: string): string => {
  const root = join(place, 'repositories');
  mkdirSync(root);
  const made = spawnSync(
    'sh',
    [
      '-ec',
      `git init -q -b main work; cd work; echo readme >README; git add .; git -c user.name=t -c user.email=t@t commit -qm first
      cd ..; git clone -q --bare work '${root}/house.git'; git -C '${root}/house.git' config http.receivepack true`,
    ],
    { cwd: place, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(made.stderr);
  return root;
};

/** Git's own server, as a web server calls it. */
const git = (request: IncomingMessage, response: ServerResponse, root: string): void => {
  const url = new URL(request.url ?? '/', 'https://git.test');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'somebody',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    child.stdout.off('data', onData);
    for (const line of head.subarray(0, end).toString().split('\r\n')) {
      const [name = '', value = ''] = line.split(/: */, 2);
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.write(head.subarray(end + 4));
    child.stdout.pipe(response);
  };
  child.stdout.on('data', onData);
};
