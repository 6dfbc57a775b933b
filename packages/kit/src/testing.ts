// For tests of agents: a real nats-server with the streams made, orders as a coordinator would write them, and their reports.
import { type Bus, connect, decodeTrusted, type Message, type NatsBus, prepare } from '@capstan/bus';
import { startNatsServer, type TestServer } from '@capstan/bus/testing';
import { type Order, parseEventSubject, type Report } from '@capstan/contracts';
import type { z } from 'zod';
import type { Loop } from './agent/loop.ts';
import { loadConfig } from './config.ts';
import { type Agent, startAgent } from './define-agent.ts';
import { newLog } from './log.ts';
import { newMask } from './masking.ts';

export interface AgentWorld extends AsyncDisposable {
  readonly server: TestServer;
  readonly bus: Bus;
  /** Lines that agents of this world have logged. */
  readonly logged: string[];
  /** Makes the consumer of a queue, with a silence of this length after which an order is delivered again. */
  openQueue(queue: string, ackWaitMs: number): Promise<void>;
  /** Publishes an order; what is not said is filled in. */
  order(order: Partial<Order> & { queue: string; capability: string }): Promise<Order>;
  /** The report of an attempt, as soon as it is stored. */
  report(order: Order): Promise<Report>;
  /** An agent in this process, on a connection of its own. */
  start<Shape extends z.ZodRawShape>(
    agent: Agent<Shape>,
    env?: NodeJS.ProcessEnv,
  ): Promise<Loop & { readonly bus: NatsBus }>;
  /** The first message of a stream that is as wanted, of those stored already or later. */
  first(stream: string, wanted: (message: Message) => boolean): Promise<Message>;
}

export const newAgentWorld = async (): Promise<AgentWorld> => {
  const server = await startNatsServer();
  const bus = await connect({ url: server.url });
  await prepare(bus);
  const { names } = bus;
  const logged: string[] = [];
  const running: { loop: Loop; bus: Bus }[] = [];
  let count = 0;

  const first = async (stream: string, wanted: (message: Message) => boolean): Promise<Message> => {
    const { promise, resolve } = Promise.withResolvers<Message>();
    const reading = await bus.log(stream).read({ after: 0, on: (message) => wanted(message) && resolve(message) });
    const found = await promise;
    await reading.stop();
    return found;
  };
  return {
    server,
    bus,
    logged,
    first,
    openQueue: async (queue, ackWaitMs) => {
      const filter = names.orders(queue);
      const stream = names.streams.orders;
      const policies = { deliver_policy: 'all', replay_policy: 'instant', ack_policy: 'explicit' };
      const config = {
        name: queue,
        durable_name: queue,
        filter_subject: filter,
        ack_wait: ackWaitMs * 1_000_000,
        ...policies,
      };
      await bus.ask(
        `$JS.API.CONSUMER.CREATE.${stream}.${queue}.${filter}`,
        JSON.stringify({ stream_name: stream, config }),
      );
    },
    order: async ({ queue, ...given }) => {
      const [task, step, attempt] = [given.task_id ?? `t${++count}`, given.step_id ?? 's', given.attempt ?? 1];
      const order: Order = {
        v: 1,
        task_id: task,
        step_id: step,
        attempt,
        input: {},
        lease: `lease-${task}`,
        heartbeat_ms: 30_000,
        timeout_ms: 60_000,
        tenant: 'default',
        deadline: new Date(Date.now() + 60_000).toISOString(),
        context: { title: 'A test', outputs: {}, artifacts: [] },
        report_to: `${names.event(0, task, 'report', queue, step, attempt)}.token`,
        ...given,
      };
      await bus.openQueue(queue);
      await bus.once({ subject: names.order(queue, task, step, attempt), data: JSON.stringify(order) });
      return order;
    },
    report: async (order) => {
      const found = await first(names.streams.events, (message) => message.subject === order.report_to);
      if (parseEventSubject(names, found.subject)?.kind !== 'report') throw new Error(`${found.subject} is no report.`);
      return decodeTrusted(found.data) as Report;
    },
    start: async <Shape extends z.ZodRawShape>(agent: Agent<Shape>, env: NodeJS.ProcessEnv = {}) => {
      const config = loadConfig(agent.queue, agent.section, env);
      const mask = newMask();
      const to = { write: (line: string) => void logged.push(line) };
      const log = newLog({ service: agent.queue, instance: config.instance, level: config.log.level, mask, to });
      const own = await connect({ url: server.url, warn: () => {} });
      const loop = await startAgent(agent, { bus: own, config: config as never, log, mask });
      running.push({ loop, bus: own });
      return { ...loop, bus: own };
    },
    [Symbol.asyncDispose]: async () => {
      for (const { loop, bus: own } of running) {
        await loop.drain(0);
        await own.close();
      }
      await bus.close();
      await server.stop();
    },
  };
};
