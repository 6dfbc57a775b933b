// The server's own word that an order fell silent: it was handed out as often as it may be, or thrown away by whoever had it. The engine hears of
// it as of a failed attempt, and sooner than by its time-out, which stays the truth: a hint that nobody read is no loss.
import { decode, partitionOf, type Running } from '@capstan/bus';
import { parseOrderSubject } from '@capstan/contracts';
import { recordOf } from '@capstan/engine';
import { failOrder } from './fail-order.ts';
import { keyOf } from './key-of.ts';
import type { Ownership } from './ownership.ts';
import type { World } from './world.ts';

/** What was said while nobody listened is heard at the start, as far back as this. */
const sinceMs = 10 * 60_000;

export const heedAdvisories = async (world: World, ownership: Ownership): Promise<Running> => {
  const { bus, clock, names, log } = world;

  const heed = async (stream: string, seq: number, deliveries: number, isTerminated: boolean): Promise<void> => {
    const order = stream === names.streams.orders ? await bus.log(stream).at(seq) : null;
    const said = order === null ? null : parseOrderSubject(names, order.subject);
    if (said === null) return;
    const { queue, task, step, attempt } = said;
    const partition = ownership.of(partitionOf(task, world.partitions));
    const state = (await partition?.read(task)) ?? null;
    const found = state === null ? undefined : recordOf(state, { whole: true }).steps[step];
    if (state === null || found?.status !== 'running' || found.attempt !== attempt) return;
    const message = isTerminated
      ? 'Whoever had the order threw it away, without a report.'
      : `The order was handed out ${deliveries} times, and nobody reported.`;
    log.warn({ task, step, attempt, queue, seq }, message);
    const code = isTerminated ? 'terminated' : 'max_deliveries';
    const key = await keyOf(world, task);
    await failOrder(world, { task, key, queue, step, attempt }, { code, message, retryable: true });
  };

  return bus.log(names.streams.advisories).read({
    after: 0,
    since: clock.now() - sinceMs,
    on: ({ subject, data }) => {
      const decoded = decode(data);
      if (!decoded.ok) return;
      const { stream, stream_seq: seq, deliveries } = decoded.value;
      if (typeof stream !== 'string' || typeof seq !== 'number') return;
      heed(stream, seq, Number(deliveries), subject.includes('.MSG_TERMINATED.')).catch((error: unknown) =>
        log.warn({ err: error, seq }, 'what the server says of an order could not be heeded; its time-out will tell'),
      );
    },
  });
};
