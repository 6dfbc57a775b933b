// A way out for one command: a container without a network but its own loopback, in which the shim listens; the command shares that network
// and nothing else with it. The proxy itself is in this process, so the engine may be anywhere, and no folder or port of a host is opened.
import { Readable } from 'node:stream';
import type { Container } from 'dockerode';
import type { Rules } from '../egress/decide.ts';
import { serveLine } from '../egress/line.ts';
import { newProxy, type Said } from '../egress/proxy.ts';
import { proxyPort, shim } from '../egress/shim.ts';
import type { Containers } from './containers.ts';
import type { Engine } from './engine.ts';
import { frames } from './frames.ts';
import { containerOptions } from './options.ts';
import { attach } from './run.ts';

const limits = { cpu: 1, memory_mb: 192, pids: 32, disk_mb: 1 };
const readyMs = 30_000;

export interface EgressParts {
  readonly engine: Engine;
  readonly containers: Containers;
  /** Of the base image, which has Node.js; the command's own may not. */
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly rules: Rules;
  readonly say: (said: Said) => void;
}

/** What tells programs of the proxy, as far as they agree on it. Names of the container itself are not asked of it. */
export const proxyEnvironment: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].map((name) => [name, `http://127.0.0.1:${proxyPort}`]),
  ),
  NO_PROXY: 'localhost,127.0.0.1,::1',
  no_proxy: 'localhost,127.0.0.1,::1',
  // Node.js itself asks a proxy only where it is told to.
  NODE_USE_ENV_PROXY: '1',
};

/** Hands the container whose network has the way out to `use`. */
export const withEgress = <T>(parts: EgressParts, use: (network: string) => Promise<T>): Promise<T> => {
  const { engine, containers, image, labels, rules, say } = parts;
  const options = containerOptions({
    image,
    argv: ['node', '-e', shim],
    labels,
    limits,
    tmpMb: 1,
    volume: null,
    network: null,
    stdin: true,
  });
  return containers.with(options, async (container: Container) => {
    const stream = await attach(engine, container, true);
    const proxy = newProxy(rules, say);
    const line = serveLine(Readable.from(outputOf(stream), { objectMode: false }), stream, proxy);
    try {
      await containers.start(container);
      await engine.ask('open a way out of the sandbox', line.ready, readyMs);
      return await use(container.id);
    } finally {
      line.end();
      stream.destroy();
      proxy.closeAllConnections();
    }
  });
};

async function* outputOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const frame of frames(stream)) if (frame.stream === 'stdout') yield frame.data;
}
