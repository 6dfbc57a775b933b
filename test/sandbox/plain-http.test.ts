// What is not encrypted, through the way out of a sandbox: it comes back whole, and so does what is said where it is refused. The first bytes of
// such answers were once replaced by whatever lay in memory, and no program but one that takes anything for an answer could read them.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { test } from 'node:test';
import { buffer } from 'node:stream/consumers';
import { hold, skip } from './support.ts';

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

test('small and large, there and back, and a refusal in its words', { skip }, async (t) => {
  const large = randomBytes(6 * 1_024 * 1_024);
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    response.end(request.url === '/large' ? large : `${request.method} ${sha256(body)}`);
  }).listen(0, '127.0.0.2');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const place = `127.0.0.2:${(server.address() as AddressInfo).port}`;
  const { sh } = await hold(t, { CAPSTAN_SANDBOX_ALLOW: place });
  const line = `curl -sS http://${place}/ && echo && curl -sS http://${place}/large -o large && sha256sum <large &&
    curl -sS --data-binary @large http://${place}/ && echo && curl -sS http://127.0.0.3/`;
  const { stdout, stderr } = await sh(line, { sandbox: { egress: [place] } });
  const whole = sha256(large);
  assert.deepEqual(
    stdout.split('\n'),
    [
      `GET ${sha256(Buffer.alloc(0))}`,
      `${whole}  -`,
      `POST ${whole}`,
      'Refused by the sandbox: it is not in the list of this step.',
      '',
    ],
    stderr,
  );
});

test('whoever has said its last word still hears the whole answer', { skip }, async (t) => {
  const large = randomBytes(6 * 1_024 * 1_024);
  const server = createTcpServer({ allowHalfOpen: true }, (client) => {
    client.resume().once('end', () => client.end(large));
  }).listen(0, '127.0.0.2');
  await once(server, 'listening');
  t.after(() => void server.close());
  const place = `127.0.0.2:${(server.address() as AddressInfo).port}`;
  const { sh } = await hold(t, { CAPSTAN_SANDBOX_ALLOW: place });
  const script = `const s = require('node:net').connect({ port: 3128, host: '127.0.0.1', allowHalfOpen: true });
    s.write('CONNECT ${place} HTTP/1.1\\r\\n\\r\\n'); let all = [], asked = false;
    s.on('data', (data) => { all.push(data); if (!asked) { asked = true; all = []; s.end('all'); setTimeout(() => s.resume(), 300); s.pause(); } });
    s.on('end', () => { console.log(require('node:crypto').createHash('sha256').update(Buffer.concat(all)).digest('hex')); });`;
  const { stdout, stderr } = await sh(
    'node -e "$SCRIPT"',
    { sandbox: { egress: [place] } },
    { env: { SCRIPT: script } },
  );
  assert.equal(stdout, `${sha256(large)}\n`, stderr);
});
