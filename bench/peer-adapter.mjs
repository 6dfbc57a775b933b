// Puts Capstan beside other durable-workflow engines, in a bench whose adapters are modules with these five functions; bench/README.md
// says how. The server side is nats-server and a coordinator, both as processes; the worker is the executor, in the bench's worker process.
import { createServer } from 'node:net';
import { natsServerPath } from '@capstan/bus/testing';
import { newExecutor } from '@capstan/executor';
import { runAgent } from '@capstan/kit';
import { connectClient as connect } from './client.ts';
import { serviceEnvironment, startServer as startNats, startService } from './processes.ts';
import { bodyOf, mustBeRight } from './shapes.ts';

/** As many at a time as the other peers' workers get. */
const concurrency = process.env.PEER_CAPSTAN_CONCURRENCY ?? '100';
const door = process.env.PEER_CAPSTAN_DOOR === 'durable' ? 'durable' : 'validated';

export const durability = ({ sync }) =>
  `file streams, R1, sync_interval ${sync} ${sync === 'always' ? '(fsync before every ack)' : '(acks before fsync)'}`;

export const startServer = async ({ dir, opts }) => {
  const strict = opts.sync === 'always';
  const binary = process.env.PEERBENCH_NATS_SERVER ?? natsServerPath();
  const server = await startNats({ binary, dir, strict, port: await freePort() });
  try {
    const { child } = await startService({
      service: 'coordinator',
      instance: 'coordinator',
      dir,
      url: server.url,
      strict,
    });
    // A bench that is broken off leaves nothing behind.
    process.once('exit', () => [child, server.child].forEach((one) => one.kill('SIGKILL')));
    return { procs: [child, server.child], cfg: { url: server.url, strict, dir } };
  } catch (error) {
    server.child.kill('SIGKILL');
    throw error;
  }
};

export const startWorker = async ({ url, strict, dir }) => {
  Object.assign(process.env, serviceEnvironment({ url, strict, dir, instance: 'executor' }), {
    CAPSTAN_CONCURRENCY: concurrency,
  });
  const executor = newExecutor();
  let bodies = 0;
  await runAgent({
    ...executor,
    run: (order, context) => {
      bodies += 1;
      return executor.run(order, context);
    },
  });
  return { count: () => bodies, close: () => Promise.resolve() };
};

export const connectClient = async ({ url }) => {
  const client = await connect(url, door);
  const bodies = new Map();
  return {
    run: async (shape) => {
      const key = `${shape.kind}${shape.n ?? ''}`;
      let body = bodies.get(key);
      if (body === undefined) bodies.set(key, (body = bodyOf(shape)));
      const ended = await client.run(body);
      mustBeRight(shape, ended);
      // What the task did, without the step that joins: every body counts for one.
      return ended.counts.succeeded - (shape.kind === 'fan' ? 1 : 0);
    },
    close: () => client.close(),
  };
};

const freePort = () =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
