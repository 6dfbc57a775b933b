// For the tests of the port: the same world twice, one with a real server and one in memory, so that every test runs against both.
import { test } from 'node:test';
import { namesOf } from '@capstan/contracts';
import { Broker } from './memory/broker.ts';
import { memoryBus } from './memory/bus.ts';
import { call, look, nanos } from './nats/api.ts';
import { type ConnectOptions, connect } from './nats/connect.ts';
import { prepare } from './nats/prepare.ts';
import type { Bus } from './port.ts';
import { startNatsServer } from './testing.ts';

export interface World extends AsyncDisposable {
  readonly kind: 'nats' | 'memory';
  connect(): Promise<Bus>;
  /** The server dies, and comes back with its data. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** An operator deletes the consumer of a queue. */
  deleteQueue(queue: string): Promise<void>;
  readonly warnings: string[];
}

export interface WorldOptions {
  readonly ackWaitMs?: number;
  readonly maxDeliver?: number;
  readonly strict?: boolean;
  readonly batch?: ConnectOptions['batch'];
  readonly dlqBytesMax?: number;
  /** Instead of ten seconds. */
  readonly agentTtlMs?: number;
}

/** One test, run in both worlds; the world ends with it. */
export const inBothWorlds = (
  name: string,
  options: WorldOptions,
  run: (world: World, bus: Bus) => Promise<void>,
): void => {
  for (const open of [natsWorld, memoryWorld]) {
    test(`${name} (${open === natsWorld ? 'nats' : 'memory'})`, { timeout: 60_000 }, async () => {
      await using world = await open(options);
      await run(world, await world.connect());
    });
  }
};

export const natsWorld = async (options: WorldOptions = {}): Promise<World> => {
  const server = await startNatsServer({ strict: options.strict ?? false });
  const buses: Bus[] = [];
  const warnings: string[] = [];
  const one = async () => {
    const { ackWaitMs, maxDeliver, batch } = options;
    const bus = await connect({ url: server.url, warn: (text) => warnings.push(text), ackWaitMs, maxDeliver, batch });
    buses.push(bus);
    return bus;
  };
  const first = await one();
  await prepare(first, { dlqBytesMax: options.dlqBytesMax });
  if (options.agentTtlMs !== undefined) {
    const name = `KV_${first.names.buckets.agents}`;
    const { config } = (await look<{ config: object }>(first.line.asker, `STREAM.INFO.${name}`)) ?? {};
    const max_age = nanos(options.agentTtlMs);
    await look(first.line.asker, `STREAM.UPDATE.${name}`, { ...config, max_age, duplicate_window: max_age });
  }
  return {
    kind: 'nats',
    warnings,
    connect: one,
    kill: () => server.kill(),
    start: () => server.start(),
    async deleteQueue(queue) {
      await call(first.line.asker, `CONSUMER.DELETE.${first.names.streams.orders}.${queue}`, undefined);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(buses.map((bus) => bus.close()));
      await server.stop();
    },
  };
};

export const memoryWorld = async (options: WorldOptions = {}): Promise<World> => {
  const { dlqBytesMax, agentTtlMs, ...rest } = options;
  const { streams, buckets } = namesOf();
  const broker = new Broker({
    ...rest,
    ...(dlqBytesMax === undefined ? {} : { bytesMax: { [streams.dlq]: dlqBytesMax } }),
    ...(agentTtlMs === undefined ? {} : { ageMs: { [`KV_${buckets.agents}`]: agentTtlMs } }),
  });
  const buses: Bus[] = [];
  return {
    kind: 'memory',
    warnings: [],
    async connect() {
      const bus = memoryBus(broker);
      buses.push(bus);
      return bus;
    },
    async kill() {
      broker.down();
    },
    async start() {
      broker.rise();
    },
    async deleteQueue(queue) {
      broker.closeQueue(broker.names.streams.orders, queue);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(buses.map((bus) => bus.close()));
      broker.close();
    },
  };
};

/** Something that a handler hears, waited for: rejects where it does not come in time. */
export class Heard<T> {
  readonly all: T[] = [];
  #waiting: (() => void)[] = [];

  readonly add = (one: T): void => {
    this.all.push(one);
    for (const look of [...this.#waiting]) look();
  };

  /** Resolves once there are as many. */
  count(count: number, timeoutMs = 20_000): Promise<T[]> {
    return this.until(() => this.all.length >= count, `${count} to be heard`, timeoutMs);
  }

  until(enough: () => boolean, what = 'enough', timeoutMs = 20_000): Promise<T[]> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!enough()) return;
        clearTimeout(late);
        this.#waiting = this.#waiting.filter((one) => one !== look);
        resolve(this.all);
      };
      const late = setTimeout(() => reject(new Error(`Waited for ${what}; there are ${this.all.length}.`)), timeoutMs);
      this.#waiting.push(look);
      look();
    });
  }
}

export const text = (data: Uint8Array): string => Buffer.from(data).toString();
