// The near end of the shim's line: every stream of it is a connection to the proxy.
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
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
    proxy.emit('connection', inBuffers(stream));
  });
  return { ready, end: () => session.destroy() };
};

/**
 * The same stream, to which text is written as bytes. Node.js (24.21) frees the text that is written to a stream of HTTP/2 before it is sent
 * where the session is over a stream of JavaScript: what comes first of an answer was then whatever came to lie there in memory.
 */
const inBuffers = (stream: ServerHttp2Stream): Duplex => {
  const both = new Duplex({
    allowHalfOpen: true,
    read: () => void stream.resume(),
    write: (chunk: Buffer, _, done) => void stream.write(chunk, done),
    final: (done) => void stream.end(done),
    destroy: (error, done) => {
      // Where both sides have said their last word it ends by itself, with what is still on its way.
      if (!both.readableEnded || !both.writableFinished) stream.destroy();
      done(error);
    },
  });
  both.on('error', () => {});
  stream.on('data', (chunk: Buffer) => void (both.push(chunk) || stream.pause()));
  stream.once('end', () => both.push(null));
  stream.once('close', () => both.destroy());
  return both;
};
