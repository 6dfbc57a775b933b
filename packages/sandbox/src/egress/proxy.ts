// The one way out of a sandbox: an HTTP proxy that connects to what is in the list of the step and to nothing else. Through a tunnel to
// port 443 the other side must be the one that was named: a TLS hello for another name is cut off.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Decision, decide, type Rules } from './decide.ts';
import { isTls, serverName } from './server-name.ts';

export interface Said {
  readonly target: string;
  /** Null where it was let through. */
  readonly refused: string | null;
  readonly address?: string;
}

const connectionsMax = 256;
const connectMs = 30_000;
/** A connection over which nothing goes for this long is ended. */
const idleMs = 10 * 60_000;
const lingerMs = 5_000;

/** Hand it connections with `emit('connection', stream)`, or let it listen. */
export const newProxy = (rules: Rules, say: (said: Said) => void): Server => {
  let open = 0;
  const server = createServer({ keepAlive: false }, (incoming, response) => void plain(incoming, response, rules, say));
  server.on('connect', (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on('error', () => {});
    if (++open > connectionsMax) {
      refuse(client, 429, 'too many connections at once');
      open--;
      return;
    }
    client.once('close', () => open--);
    void tunnel(incoming.url ?? '', client, head, rules, say);
  });
  server.on('clientError', (_, client) => client.destroy());
  return server;
};

const tunnel = async (target: string, client: Duplex, head: Buffer, rules: Rules, say: (said: Said) => void) => {
  const decision = await decide(target, rules);
  if ('refused' in decision) {
    say({ target: short(target), refused: decision.refused });
    return refuse(client, 403, decision.refused);
  }
  const { host, port, address } = decision;
  const far = connect({ host: address, port, timeout: connectMs });
  const end = () => {
    far.destroy();
    client.destroy();
  };
  far.once('error', (error) => {
    if (far.connecting || !far.bytesRead) refuse(client, 502, error.message);
    client.destroy();
  });
  far.once('timeout', end);
  // What has come from there is on its way still, where nothing went wrong.
  far.once('close', () => (far.readableEnded ? endSoon(client) : client.destroy()));
  client.once('close', () => far.destroy());
  far.once('connect', () => {
    far.setTimeout(idleMs);
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    const goOn = (first: Buffer): void => {
      say({ target, refused: null, address });
      far.write(first);
      client.pipe(far);
    };
    const cut = (why: string): void => {
      say({ target, refused: why, address });
      end();
    };
    far.pipe(client);
    listenFirst(client, head, { host, port }, goOn, cut);
  });
};

/** Once all is handed over, and the other side has had a while to say that it has it. */
const endSoon = (client: Duplex): void => {
  const linger = () => void setTimeout(() => client.destroy(), lingerMs).unref();
  if (client.writableFinished) linger();
  else client.once('finish', linger);
};

/** Looks at what comes first before any of it goes on. */
const listenFirst = (
  client: Duplex,
  head: Buffer,
  { host, port }: { host: string; port: number },
  goOn: (first: Buffer) => void,
  cut: (why: string) => void,
): void => {
  // An address has no name that could be said.
  const wantsName = isIP(host) === 0;
  let data = head;
  const onData = (chunk: Buffer): void => {
    data = Buffer.concat([data, chunk]);
    if (data.length === 0) return;
    if (isTls(data)) {
      const hello = serverName(data);
      if (!hello) return;
      const { name } = hello;
      client.off('data', onData);
      client.pause();
      if (wantsName && name !== host) cut(`its TLS hello names ${name === null ? 'nobody' : short(name)}`);
      else goOn(data);
      return;
    }
    client.off('data', onData);
    client.pause();
    if (port === 443) cut('what is said there is no TLS');
    else goOn(data);
  };
  client.on('data', onData);
  client.once('end', () => {
    if (data.length === 0) goOn(data);
  });
  onData(Buffer.alloc(0));
};

/** `GET http://host/path`, as clients ask a proxy for what is not encrypted. */
const plain = async (
  incoming: IncomingMessage,
  response: ServerResponse,
  rules: Rules,
  say: (said: Said) => void,
): Promise<void> => {
  const url = URL.canParse(incoming.url ?? '') ? new URL(incoming.url as string) : null;
  const target = url?.protocol === 'http:' && !url.username ? `${url.hostname}:${url.port || 80}` : '';
  const decision: Decision = await decide(target, rules);
  if ('refused' in decision) {
    say({ target: short(target || (incoming.url ?? '')), refused: decision.refused });
    response.writeHead(403, { connection: 'close', 'content-type': 'text/plain' });
    response.end(`Refused by the sandbox: ${decision.refused}.\n`);
    return;
  }
  say({ target, refused: null, address: decision.address });
  const {
    host: _,
    connection: __,
    'proxy-connection': ___,
    'proxy-authorization': ____,
    ...headers
  } = incoming.headers;
  const asked = request({
    host: decision.address,
    port: decision.port,
    method: incoming.method,
    path: `${url?.pathname}${url?.search}`,
    // The name that was decided on, whatever the client says.
    headers: { ...headers, host: url?.host, connection: 'close' },
    setHost: false,
    timeout: connectMs,
  });
  asked.once('timeout', () => asked.destroy());
  asked.once('response', (answer) => {
    const { connection: _____, 'keep-alive': ______, ...kept } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, { ...kept, connection: 'close' });
    answer.pipe(response);
  });
  asked.once('error', (error) => {
    if (!response.headersSent) response.writeHead(502, { connection: 'close' });
    response.end(`${error.message}\n`);
  });
  incoming.pipe(asked);
};

const refuse = (client: Duplex | Socket, status: number, why: string): void => {
  client.end(
    `HTTP/1.1 ${status} Refused by the sandbox\r\ncontent-type: text/plain\r\nconnection: close\r\nx-refused: ${why}\r\n\r\nRefused by the sandbox: ${why}.\n`,
  );
};

const short = (text: string): string => text.replace(/[^\x21-\x7e]/g, '?').slice(0, 200);
