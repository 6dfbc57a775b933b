// The agent loop: announce, pull orders, work on as many as there are slots, and let go of them well when told to stop.
import { type Bus, bury, type Delivery, PassingMap, Recent, type Running } from '@capstan/bus';
import { type AgentRecord, type DlqReason, limits, type Order, parseOrderSubject } from '@capstan/contracts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import type { Mask } from '../masking.ts';
import type { Outcome } from '../outcome.ts';
import { within } from '../within.ts';
import { announce } from './announce.ts';
import { listenForCancels } from './cancels.ts';
import type { AgentContext } from './context.ts';
import { persist } from './persist.ts';
import { newPulse } from './pulse.ts';
import { readOrder } from './read-order.ts';
import { newServerClock } from './server-clock.ts';
import { handBackMs, startWork, type Work } from './work.ts';

export interface LoopParts<Own> {
  readonly bus: Bus;
  readonly config: Config<Own>;
  readonly log: Logger;
  readonly mask: Mask;
  readonly record: AgentRecord & { concurrency: number };
  readonly run: (order: Order, context: AgentContext<Own>) => Promise<Outcome>;
  readonly without?: (() => Readonly<Record<string, string>>) | undefined;
}

export interface Loop {
  /** Null while the agent is announced and takes orders; otherwise why not. */
  wrong(): string | null;
  /** Takes nothing more, lets what runs finish within the limit, and hands back the rest. */
  drain(withinMs: number): Promise<void>;
}

/** Attempts that this process has reported, whose order may come once more: an acknowledgement can get lost. */
const reportedMax = 1_000;
/** How long work has to clean up once it is to be handed back. */
const handBackPatienceMs = 1_000;

export const startLoop = async <Own>(parts: LoopParts<Own>): Promise<Loop> => {
  const { bus, config, log, mask, record, run } = parts;
  const agent = `${record.queue}.${record.instance}`;
  const working = new PassingMap<string, Work>();
  const reported = new Recent<true>(reportedMax);
  const closing = new AbortController();
  const clock = newServerClock();
  const pulse = newPulse();
  const objects = bus.objects(bus.names.buckets.artifacts);
  const cancels = listenForCancels(bus);
  const announcement = announce({ bus, record, busy: () => working.size, without: parts.without, log, clock });
  let draining = false;

  const begin = (order: Order, key: string, delivery: Delivery): void => {
    const work = startWork(
      { bus, objects, agent, config, log, processMask: mask, cancels, clock, pulse, closing: closing.signal, run },
      order,
      key,
      delivery,
    );
    working.set(key, work);
    void work.over.then((stored) => {
      working.delete(key);
      if (stored) reported.set(key, true);
    });
  };

  const take = (delivery: Delivery): void => {
    if (draining) {
      delivery.later(handBackMs);
      return;
    }
    const read = readOrder(bus.names, delivery);
    if (!read.ok) {
      void putAside(parts, delivery, read, closing.signal);
      return;
    }
    const again = working.get(read.key);
    if (again) again.join(delivery);
    else if (reported.get(read.key) === true) delivery.letGo();
    else begin(read.order, read.key, delivery);
  };

  await announcement.say();
  const pulling: Running = await bus.takeOrders(record.queue, record.concurrency, take);
  log.info({ agent, capabilities: record.capabilities, concurrency: record.concurrency }, 'Takes orders.');

  return {
    wrong: () => (draining ? 'draining' : announcement.wrong()),
    drain: async (withinMs) => {
      draining = true;
      const settled = async (): Promise<void> => {
        await Promise.all([...working.values()].map((work) => work.over));
      };
      const until = Date.now() + withinMs;
      await Promise.all([bus.connected() ? announcement.say('draining') : undefined, pulling.stop()]);
      if (working.size > 0) log.info({ busy: working.size, withinMs }, 'Waiting for what is being worked on.');
      if (!(await within(settled(), until - Date.now() - handBackPatienceMs))) {
        for (const work of working.values()) work.handBack(handBackPatienceMs);
        log.warn({ unfinished: [...working.keys()] }, 'Handing back what is unfinished; no attempt is lost by it.');
        await within(settled(), handBackPatienceMs);
        closing.abort();
        await settled();
      }
      await Promise.all([announcement.end(), cancels.stop()]);
    },
  };
};

/** What can't be read is kept where an operator finds it, and only then let go. */
const putAside = async <Own>(
  { bus, log, record }: LoopParts<Own>,
  delivery: Delivery,
  mistake: { reason: DlqReason; message: string },
  closing: AbortSignal,
): Promise<void> => {
  const { subject, data, seq, at } = delivery;
  const said = parseOrderSubject(bus.names, subject);
  const letter = {
    source: record.queue,
    reason: mistake.reason,
    error: mistake.message,
    message: { subject, data, seq, at, stream: bus.names.streams.orders, headers: () => delivery.headers() },
    attempts: delivery.deliveries,
    task: said?.task,
    step: said?.step,
  };
  try {
    const buried = await persist(
      'A dead letter',
      () => bury(bus, letter),
      () => log,
      closing,
    );
    if (!buried) return;
    log.error(
      { subject, seq, dlq: buried.id },
      `An order could not be read, and is a dead letter now: ${mistake.message}`,
    );
    await delivery.ack();
  } catch (error) {
    log.error({ error, subject, seq }, 'An order could neither be read nor put aside; it will be delivered again.');
    delivery.later(limits.ackWaitMs);
  }
};
