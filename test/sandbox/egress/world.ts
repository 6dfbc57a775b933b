// A world of its own, inside a network and a mount namespace that nobody else has: an engine, names, and servers that note who came.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

export const addresses = {
  allowed: '203.0.113.10',
  evil: '203.0.113.66',
  metadata: '169.254.169.254',
  host: '192.0.2.2',
} as const;

export interface World {
  /** Everything that arrived anywhere, as `tcp 203.0.113.66:80` or `dns secret.exfil.test`. */
  readonly hits: string[];
  /** The certificate that everybody here has. */
  readonly certificate: string;
  readonly engine: string;
  stop(): Promise<void>;
}

const must = (command: string, ...args: string[]): string => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
};

export const newWorld = async (place: string, on: RequestListener): Promise<World> => {
  must('mount', '--make-rprivate', '/');
  mkdirSync('/run/docker', { recursive: true });
  must('mount', '-t', 'tmpfs', 'tmpfs', '/run/docker');
  names(place);
  must('ip', 'link', 'set', 'lo', 'up');
  for (const address of Object.values(addresses)) must('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
  const { key, cert } = certificate(place);
  const hits: string[] = [];

  const web = createServer({ key, cert }, on);
  web.on('connection', (socket: Socket) => hits.push(`tcp ${socket.localAddress}:${socket.localPort}`));
  web.listen(443, addresses.allowed);
  await once(web, 'listening');
  const servers: Server[] = [];
  for (const [address, port] of [
    [addresses.allowed, 22],
    [addresses.evil, 80],
    [addresses.evil, 443],
    [addresses.metadata, 80],
    [addresses.host, 18_080],
  ] as const) {
    const server = createTcpServer((socket) => {
      hits.push(`tcp ${address}:${port}`);
      socket.on('error', () => {});
      socket.end(`HELLO from ${address}:${port}\n`);
    }).listen(port, address);
    await once(server, 'listening');
    servers.push(server);
  }
  const dns = createSocket('udp4');
  dns.on('message', (message, from) => {
    hits.push(
      `dns ${message
        .subarray(12)
        .toString('latin1')
        .replaceAll(/[^ -~]/g, '.')}`,
    );
    const answer = Buffer.from(message);
    // An answer that says that there is no such name.
    answer[2] = (answer[2] as number) | 0x80;
    answer[3] = 3;
    dns.send(answer, from.port, from.address);
  });
  dns.bind(53, '127.0.0.1');
  await once(dns, 'listening');

  const { child, engine } = await startEngine(place);
  return {
    hits,
    certificate: cert,
    engine,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      dns.close();
      web.close();
      web.closeAllConnections();
      for (const server of servers) server.close();
    },
  };
};

/** The host's own names, for this namespace alone; the resolver is on the loopback, which is where it leaks from (CVE-2024-29018). */
const names = (place: string): void => {
  const hosts = [
    '127.0.0.1 localhost',
    `${addresses.allowed} api.test registry.test git.test`,
    `${addresses.evil} evil.test`,
    `${addresses.metadata} rebind.test`,
  ];
  writeFileSync(join(place, 'hosts'), `${hosts.join('\n')}\n`);
  writeFileSync(join(place, 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n');
  for (const name of ['hosts', 'resolv.conf']) must('mount', '--bind', join(place, name), `/etc/${name}`);
};

const certificate = (place: string): { key: string; cert: string } => {
  const alternatives = ['api', 'registry', 'git', 'evil'].map((name) => `DNS:${name}.test`).join(',');
  const at = (name: string) => join(place, name);
  must(
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=world',
    '-addext',
    `subjectAltName=${alternatives}`,
    '-keyout',
    at('key.pem'),
    '-out',
    at('cert.pem'),
  );
  return { key: must('cat', at('key.pem')), cert: must('cat', at('cert.pem')) };
};

const startEngine = async (place: string): Promise<{ child: ChildProcess; engine: string }> => {
  const at = (name: string) => join(place, name);
  const engine = `unix://${at('engine.sock')}`;
  const image = at('image.tar');
  must('docker', 'save', '--output', image, 'capstan/sandbox');
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  const child = spawn(
    'dockerd',
    [
      '--data-root',
      at('data'),
      '--exec-root',
      at('exec'),
      '--host',
      engine,
      '--pidfile',
      at('pid'),
      '--bip',
      '10.240.0.1/24',
      '--log-level',
      'error',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const gone = once(child, 'exit').then(() => Promise.reject(new Error(`dockerd ended: ${said}`)));
  gone.catch(() => {});
  for (;;) {
    if (spawnSync('docker', ['--host', engine, 'version'], { stdio: 'ignore' }).status === 0) break;
    await Promise.race([gone, new Promise((again) => setTimeout(again, 200))]);
  }
  must('docker', '--host', engine, 'load', '--input', image);
  return { child, engine };
};
