// A rehearsal before the first task: the same coordinator does made-up tasks over a bus in memory, so that the code that real ones will run is
// compiled by then. Without it the first thousands of steps after a start or a take-over cost about twice as much as those that follow. Settings
// are the usual ones, since others might have its tasks wait for somebody; and where the machine is busy it is broken off: starting matters more.
import { Broker, endingClock, decodeTrusted, keyRingOf, memoryBus, newKeys } from '@capstan/bus';
import { defaultSettings, type Order } from '@capstan/contracts';
import { rulesVersion } from '@capstan/engine';
import { within } from '@capstan/kit';
import { realClock } from './clock.ts';
import { defaultKeeping } from './keeping.ts';
import { startCoordinator } from './coordinator.ts';
import { newCounts } from './world.ts';

const queue = 'rehearsal';
const singles = 2_000;
const families = 80;
const familySize = 100;
const atOnce = 64;
const patienceUsualMs = 5_000;

/** Whether it came to its end. */
export const rehearse = async (patienceMs = patienceUsualMs): Promise<boolean> => {
  const clock = endingClock();
  const bus = memoryBus(new Broker({ clock }));
  const { names } = bus;
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const agents = bus.store(names.buckets.agents);
  const key = `${queue}.1`;
  await agents.set({
    key,
    data: JSON.stringify({
      v: 1,
      queue,
      instance: '1',
      capabilities: ['noop'],
      concurrency: 100,
      busy: 0,
      health: 'ok',
    }),
    expect: null,
  });
  await bus.openQueue(queue);
  const silent = () => {};
  const coordinator = await startCoordinator({
    bus,
    names,
    ring: keyRingOf(newKeys()),
    clock: { ...realClock, later: clock.later },
    newId: () => 'rehearsal',
    log: { info: silent, warn: silent, error: silent },
    counts: newCounts(),
    member: queue,
    rules: rulesVersion,
    partitions: 4,
    settings: defaultSettings,
    keeping: { ...defaultKeeping, orderNameMs: Number.POSITIVE_INFINITY },
    fatal: reject,
  });
  const taking = await bus.takeOrders(queue, 100, (delivery) => {
    const { task_id, step_id, attempt, lease, report_to: subject } = decodeTrusted(delivery.data) as Order;
    const report = {
      v: 1,
      task_id,
      step_id,
      attempt,
      lease,
      agent: key,
      outcome: 'succeeded',
      output: {},
      usage: { wall_ms: 1 },
    };
    void bus.once({ subject, data: JSON.stringify(report) }).then(() => delivery.letGo(), reject);
  });
  const waiting = new Map<string, () => void>();
  const listening = bus.listen(names.notices(), ({ subject }) => {
    const [, , , task = '', status] = subject.split('.');
    if (status === 'succeeded') waiting.get(task)?.();
  });
  const run = async (id: string, steps: object[]): Promise<void> => {
    const over = new Promise<void>((resolve) => void waiting.set(id, resolve));
    await bus.ask(
      names.api('task', 'submit'),
      JSON.stringify({ v: 1, task_id: id, title: 'Rehearsal', plan: { steps } }),
    );
    await over;
    waiting.delete(id);
  };
  let next = 0;
  let isBrokenOff = false;
  const lane = async (): Promise<void> => {
    while (next < singles + families && !isBrokenOff) {
      const at = next++;
      const isFamily = at % Math.ceil(singles / families) === 0;
      await run(
        `r${at}`,
        isFamily
          ? [
              { id: 'w', capability: 'noop', each: { count: familySize } },
              { id: 'j', capability: 'noop', depends_on: ['w'] },
            ]
          : [{ id: 's', capability: 'noop' }],
      );
    }
  };
  const isOver = await within(Promise.race([Promise.all(Array.from({ length: atOnce }, lane)), failed]), patienceMs);
  isBrokenOff = !isOver;
  await Promise.all([taking.stop(), listening.stop()]);
  await coordinator.stop();
  await bus.close();
  clock.stop();
  return isOver;
};
