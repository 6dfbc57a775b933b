// A small agent in this process, written against the contract: it announces itself, pulls orders, reports each once, and only then
// acknowledges. What it answers, the test says.
import { type Bus, connect, type Delivery, decodeTrusted } from '@capstan/bus';
import { type AgentRecord, limits, type Order, type Report } from '@capstan/contracts';

export type Answer = Pick<Report, 'outcome'> & Partial<Report>;
export type Work = (order: Order, cancelled: AbortSignal) => Answer | Promise<Answer>;

export interface AgentOptions {
  readonly url: string;
  readonly queue?: string;
  readonly instance?: string;
  readonly concurrency?: number;
  readonly ackWaitMs?: number | undefined;
  readonly tags?: Readonly<Record<string, string>>;
  readonly risks?: AgentRecord['risks'];
  readonly work: Readonly<Record<string, Work>>;
}

export interface Agent {
  readonly name: string;
  /** Every order that it was handed, those that came again included. */
  readonly orders: readonly Order[];
  readonly bus: Bus;
  stop(): Promise<void>;
}

/** As the contract describes them for everybody's tests. */
export const usualWork = {
  noop: () => ({ outcome: 'succeeded', output: {} }),
  echo: ({ input }) => ({ outcome: 'succeeded', output: input }),
  fail: ({ input, attempt }) =>
    attempt <= Number(input['times'] ?? 1)
      ? {
          outcome: 'failed',
          error: {
            code: String(input['code'] ?? 'flaky'),
            message: `attempt ${attempt} was to fail`,
            retryable: input['retryable'] !== false,
          },
        }
      : { outcome: 'succeeded', output: { attempt } },
  ask: ({ answer, state }) =>
    answer === undefined
      ? { outcome: 'question', question: { text: 'Which branch?', state: { asked: 1 } } }
      : { outcome: 'succeeded', output: { answer: answer.value, state: state ?? null } },
  /** Works until it is told to stop. */
  hold: (_, cancelled) =>
    new Promise((resolve) => {
      const stop = () => resolve({ outcome: 'cancelled' });
      if (cancelled.aborted) stop();
      cancelled.addEventListener('abort', stop);
    }),
} satisfies Readonly<Record<string, Work>>;

export const startAgent = async ({
  url,
  queue = 'worker',
  instance = 'w1',
  concurrency = 64,
  ackWaitMs,
  tags,
  risks,
  work,
}: AgentOptions): Promise<Agent> => {
  const bus = await connect({ url, name: `agent ${queue}.${instance}`, ackWaitMs, warn: () => {} });
  const name = `${queue}.${instance}`;
  const orders: Order[] = [];
  const busy = new Map<string, AbortController>();
  let stopped = false;

  const record = JSON.stringify({
    v: 1,
    queue,
    instance,
    capabilities: Object.keys(work),
    concurrency,
    health: 'ok',
    ...(tags === undefined ? {} : { tags }),
    ...(risks === undefined ? {} : { risks }),
  });
  // A beat that a dead server did not take is no loss: the next one is 3 s away, and the record lives for 10.
  const beat = () => bus.store(bus.names.buckets.agents).set({ key: name, data: record, expect: null });
  await beat();
  const beating = setInterval(() => void beat().catch(() => {}), limits.agentBeatMs);
  const cancels = bus.listen(bus.names.cancels, ({ subject, data }) => {
    const { attempt } = decodeTrusted(data) as { attempt: number };
    busy.get(`${subject.split('.').slice(2).join('.')}.${attempt}`)?.abort();
  });

  const handle = async (delivery: Delivery): Promise<void> => {
    const order = decodeTrusted(delivery.data) as Order;
    orders.push(order);
    const key = `${order.task_id}.${order.step_id}.${order.attempt}`;
    const controller = new AbortController();
    busy.set(key, controller);
    try {
      const answer = await (work[order.capability] as Work)(order, controller.signal);
      if (stopped) return;
      const { task_id, step_id, attempt, lease } = order;
      await bus.once({
        subject: order.report_to,
        data: JSON.stringify({ v: 1, task_id, step_id, attempt, lease, agent: name, ...answer }),
      });
      await delivery.ack();
    } catch (error) {
      // Nothing is lost with it: the order is delivered again.
      if (!stopped) delivery.later(1_000);
      if (!stopped && bus.connected() && !(error as Error).message.includes('acknowledg'))
        process.stderr.write(`agent ${name}: ${String(error)}\n`);
    } finally {
      busy.delete(key);
    }
  };
  await bus.openQueue(queue);
  const taking = await bus.takeOrders(queue, concurrency, (delivery) => void handle(delivery));

  return {
    name,
    orders,
    bus,
    stop: async () => {
      if (stopped) return;
      stopped = true;
      clearInterval(beating);
      for (const controller of busy.values()) controller.abort();
      await Promise.all([taking.stop(), cancels.stop()]);
      if (bus.connected()) await bus.store(bus.names.buckets.agents).remove(name);
      await bus.close();
    },
  };
};
