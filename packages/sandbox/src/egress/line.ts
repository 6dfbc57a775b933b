// The near end of the shim's line: every stream of it is a connection to the proxy.
import { performServerHandshake, type ServerHttp2Session } from 'node:http2';
import type { Server } from 'node:http';
import { Duplex, type Readable, type Writable } from 'node:stream';

export interface Line {
  /** Resolves once the far end listens. */
  readonly ready: Promise<void>;
  end(): void;
}

const streamsMax = 256;

export const serveLine = (readable: Readable, writable: Writable, proxy: Server): Line => {
  const both = Duplex.from({ readable, writable });
  both.on('error', () => {});
  const session: ServerHttp2Session = performServerHandshake(both as never, {
    settings: { maxConcurrentStreams: streamsMax, enableConnectProtocol: false },
  });
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  ready.catch(() => {});
  session.once('remoteSettings', () => resolve());
  session.once('close', () => reject(new Error('the way out of the sandbox was closed')));
  session.on('error', reject);
  session.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
    proxy.emit('connection', stream);
  });
  return { ready, end: () => session.destroy() };
};
