// The proxy by itself, over TCP. What it does for a container, and against one, is in test/sandbox.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, request } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { newProxy, type Said } from './proxy.ts';

const listening = async (t: TestContext, server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
};

/** A far side that answers with what it got, and a proxy that lets out to it under the name api.test. */
const fixture = async (t: TestContext) => {
  const got: string[] = [];
  const far = await listening(
    t,
    createServer((socket) =>
      socket.on('error', () => {}).on('data', (data) => void (got.push(data.toString('latin1')), socket.end('ANSWER'))),
    ),
  );
  const said: Said[] = [];
  const places = { allow: [`api.test:${far}`], only: [[`api.test:${far}`, `inside.test:${far}`, 'unknown.test:80']] };
  const resolve = async (host: string) =>
    host === 'unknown.test' ? Promise.reject(new Error('no such name')) : ['127.0.0.1'];
  const proxy = await listening(
    t,
    newProxy({ ...places, resolve }, (one) => void said.push(one)),
  );
  const tunnel = async (target: string): Promise<{ head: string; socket: Socket }> => {
    const socket = connect(proxy, '127.0.0.1');
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    socket.write(`CONNECT ${target} HTTP/1.1\r\n\r\n`);
    const [data] = (await once(socket, 'data')) as [Buffer];
    return { head: data.toString().split('\r')[0] ?? '', socket };
  };
  return { far, got, said, proxy, tunnel };
};

test('what is listed is let out, and both ways are open', async (t) => {
  const { far, got, said, tunnel } = await fixture(t);
  const { head, socket } = await tunnel(`API.test:${far}`);
  assert.match(head, / 200 /);
  socket.write('words');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.deepEqual([answer.toString(), got], ['ANSWER', ['words']]);
  assert.deepEqual(said, [{ target: `API.test:${far}`, refused: null, address: '127.0.0.1' }]);
});

test('what is not is refused, with why', async (t) => {
  const { far, got, said, tunnel } = await fixture(t);
  for (const target of [
    `evil.test:${far}`,
    'api.test:1',
    `inside.test:${far}`,
    'unknown.test:80',
    '127.0.0.1:80',
    `api.test.:${far}`,
    `a@api.test:${far}`,
    'nonsense',
  ])
    assert.match((await tunnel(target)).head, / 403 /, target);
  assert.deepEqual(
    said.map(({ refused }) => refused?.split(';')[0]),
    [
      'it is not in the list of this step',
      'it is not in the list of this step',
      'it has a private address',
      'its name is not known',
      'it is not in the list of this step',
      'it is no host:port',
      'it is no host:port',
      'it is no host:port',
    ],
  );
  assert.deepEqual(got, []);
});

test('a TLS hello goes on only where it names who was asked for', async (t) => {
  const { far, got, said, tunnel } = await fixture(t);
  for (const servername of ['api.test', 'evil.test', '']) {
    const { socket } = await tunnel(`api.test:${far}`);
    const tls = connectTls({ socket, servername, rejectUnauthorized: false });
    await once(tls, 'error').catch(() => {});
  }
  assert.equal(got.length, 1);
  assert.deepEqual(
    said.map(({ refused }) => refused),
    [null, 'its TLS hello names evil.test', 'its TLS hello names nobody'],
  );
});

test('a plain request is passed on under the name that was listed, whatever it says of itself', async (t) => {
  const heard: (string | undefined)[] = [];
  const far = await listening(
    t,
    createHttpServer((incoming, response) => {
      heard.push(incoming.headers.host, incoming.headers['proxy-authorization'], incoming.url);
      response.end('page');
    }),
  );
  const rules = { allow: [`api.test:${far}`], only: [[`api.test:${far}`]], resolve: async () => ['127.0.0.1'] };
  const proxy = await listening(
    t,
    newProxy(rules, () => {}),
  );
  const get = async (path: string): Promise<string> => {
    const asked = request({ port: proxy, path, headers: { host: 'evil.test', 'proxy-authorization': 'secret' } }).end();
    const [response] = await once(asked, 'response');
    let body = '';
    for await (const chunk of response) body += chunk;
    return `${response.statusCode} ${body}`;
  };
  assert.equal(await get(`http://api.test:${far}/a?b`), '200 page');
  assert.deepEqual(heard, [`api.test:${far}`, undefined, '/a?b']);
  for (const path of [
    `http://evil.test:${far}/`,
    `http://u:p@api.test:${far}/`,
    '/etc/passwd',
    `https://api.test:${far}/`,
  ])
    assert.match(await get(path), /^403 Refused by the sandbox/, path);
});
