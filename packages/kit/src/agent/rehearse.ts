// A rehearsal before the first order: the loop works on made-up orders over a bus in memory, so that the code that real ones will run is compiled
// by then. What the agent itself does is not rehearsed: it would really be done. Where the machine is busy it is broken off: starting matters more.
import { Broker, endingClock, memoryBus } from '@capstan/bus';
import type { Order } from '@capstan/contracts';
import type { Config } from '../config.ts';
import { newLog } from '../log.ts';
import { newMask } from '../masking.ts';
import { done } from '../outcome.ts';
import { within } from '../within.ts';
import { startLoop } from './loop.ts';

const orders = 3_000;
const concurrency = 100;
const patienceUsualMs = 5_000;

/** Whether it came to its end. */
export const rehearse = async (config: Config<unknown>, patienceMs = patienceUsualMs): Promise<boolean> => {
  const clock = endingClock();
  const bus = memoryBus(new Broker({ clock }));
  const { names } = bus;
  const queue = 'rehearsal';
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let reports = 0;
  const reading = await bus
    .log(names.streams.events)
    .read({ after: 0, on: () => void (++reports === orders && resolve()) });
  const mask = newMask();
  const loop = await startLoop({
    bus,
    config,
    log: newLog({ service: queue, instance: queue, level: 'error', mask }),
    mask,
    record: {
      v: 1,
      queue,
      instance: queue,
      capabilities: ['noop'],
      concurrency,
      started_at: new Date().toISOString(),
    },
    run: async (_, context) => done(await context.input()),
  });
  const deadline = new Date(Date.now() + 600_000).toISOString();
  for (let at = 0; at < orders; at += 1) {
    const task = `t${at}`;
    const order: Order = {
      v: 1,
      task_id: task,
      step_id: 's',
      attempt: 1,
      capability: 'noop',
      input: {},
      lease: queue,
      report_to: `${names.event(0, task, 'report', queue, 's', 1)}.${queue}`,
      deadline,
      timeout_ms: 600_000,
      heartbeat_ms: 10_000,
      context: { title: 'Rehearsal', outputs: {}, artifacts: [] },
      tenant: 'default',
    };
    void bus.once({ subject: names.order(queue, task, 's', 1), data: JSON.stringify(order) });
  }
  const isOver = await within(over, patienceMs);
  await reading.stop();
  await loop.drain(isOver ? 1_000 : 0);
  await bus.close();
  clock.stop();
  return isOver;
};
