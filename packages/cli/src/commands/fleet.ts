// `capstan fleet`: as many executors as there is work for, each in a container. How many is decided in ../fleet/decide.ts.
import { existsSync } from 'node:fs';
import { defineCommand } from '../command.ts';
import { exits, mistake } from '../exit.ts';
import { sayOn } from '../up/say.ts';

export const fleet = defineCommand({
  name: 'fleet',
  group: 'operate',
  summary: 'Keep a pool of executor containers on this machine, as large as the work needs',
  description:
    'Grows at once when orders wait, shrinks when executors have had nothing to do for a while, and never ends one that works. ' +
    'Executors that it finds from an earlier run are its own again. Ctrl-C lets them finish and go; with --leave they stay.',
  arguments: [],
  options: {
    // Without any, nobody would announce what can be done, and so nothing would ever wait for them.
    min: { type: 'whole', value: 'N', text: 'at least so many', default: 1, min: 1, max: 1_000 },
    max: { type: 'whole', value: 'N', text: 'at most so many', default: 4, min: 1, max: 1_000 },
    idle: { type: 'duration', text: 'how long one has nothing to do before it goes', default: 30_000 },
    fresh: { type: 'flag', text: 'replace an executor once it has worked and has nothing to do' },
    image: { type: 'text', value: 'IMAGE', text: 'what they are', default: 'capstan/executor:dev' },
    network: {
      type: 'text',
      value: 'NAME',
      text: 'the network of the engine in which they reach NATS',
      default: 'host',
    },
    socket: {
      type: 'text',
      value: 'PATH',
      text: 'the socket of the engine that their sandbox uses; "none" for executors that run no commands',
      default: '/var/run/docker.sock',
    },
    concurrency: { type: 'whole', value: 'N', text: 'what one takes at a time', default: 4, min: 1, max: 10_000 },
    memory: { type: 'whole', value: 'MB', text: 'the memory of one', default: 512, min: 64, max: 1_000_000 },
    queue: { type: 'text', value: 'NAME', text: 'whose orders they take', default: 'executor' },
    env: { type: 'many', value: 'NAME=VALUE', text: 'what they are told besides' },
    leave: { type: 'flag', text: 'leave them running when this ends' },
  },
  examples: [
    { run: 'capstan fleet --min 1 --max 8', what: 'beside a NATS on this machine' },
    {
      run: 'capstan fleet --network capstan_default --nats-url nats://127.0.0.1:4222 --env CAPSTAN_NATS_URL=nats://nats:4222',
      what: 'beside Compose, where they reach NATS by another name',
    },
  ],
  run: async ({ options, connect, natsUrl, namespace, environment, json, terminal }) => {
    if (options.min > options.max) throw mistake('--min is larger than --max.', 'Make --max at least as large.');
    // Loaded when it is needed: the engine's client takes longer to load than all the rest.
    const [{ newPool }, { runFleet }] = await Promise.all([
      import('../fleet/pool.ts'),
      import('../fleet/run-fleet.ts'),
    ]);
    const client = await connect();
    const told = Object.fromEntries(options.env.map(pair));
    const pool = newPool({
      image: options.image,
      namespace: client.names.namespace,
      queue: options.queue,
      network: options.network,
      memoryMb: options.memory,
      socket: options.socket === 'none' || !existsSync(options.socket) ? null : options.socket,
      environment: {
        CAPSTAN_NATS_URL: natsUrl ?? environment['CAPSTAN_NATS_URL'] ?? client.url,
        CAPSTAN_NAMESPACE: namespace ?? client.names.namespace,
        CAPSTAN_CONCURRENCY: String(options.concurrency),
        ...told,
      },
    });
    const ended = new AbortController();
    const end = () => ended.abort();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
    await runFleet({
      client,
      pool,
      queue: options.queue,
      rule: { min: options.min, max: options.max, idleMs: options.idle, fresh: options.fresh },
      concurrency: options.concurrency,
      say: sayOn(terminal, json),
      leave: options.leave,
      signal: ended.signal,
    });
    return exits.ok;
  },
});

const pair = (text: string): [string, string] => {
  const at = text.indexOf('=');
  if (at < 1) throw mistake(`--env ${text}: it must be NAME=VALUE.`, 'Write it as --env NAME=VALUE.');
  return [text.slice(0, at), text.slice(at + 1)];
};
