// What the streams hold: once they have come to rest, and whether it is what it must be.
import { namesOf } from '@capstan/contracts';
import type { BenchClient, StreamState } from './client.ts';

/** Nothing failed, so every step was ordered once; names that were said again are no messages. */
export const mustBeOrderedOnce = (
  before: ReadonlyMap<string, StreamState>,
  after: ReadonlyMap<string, StreamState>,
  steps: number,
): void => {
  const orders = (after.get(streams.orders)?.lastSeq ?? 0) - (before.get(streams.orders)?.lastSeq ?? 0);
  if (orders !== steps) throw new Error(`${steps} steps were done, and ${orders} orders were stored for them.`);
};

const { streams, buckets } = namesOf();
/** These are written to as long as anybody lives. */
const beating = new Set([buckets.agents, buckets.members].map((name) => `KV_${name}`));
const quietMs = 700;
const patienceMs = 60_000;

/** The streams, once nothing is written to them any more: snapshots and checkpoints come up to half a second after their cause. */
export const calm = async (client: BenchClient): Promise<ReadonlyMap<string, StreamState>> => {
  let last = '';
  let since = performance.now();
  for (const deadline = since + patienceMs; ; ) {
    const kept = new Map([...(await client.streams())].filter(([name]) => !beating.has(name)));
    const now = [...kept].map(([name, { lastSeq }]) => `${name} ${lastSeq}`).join();
    if (now !== last) since = performance.now();
    last = now;
    if (performance.now() - since >= quietMs) return kept;
    if (performance.now() > deadline)
      throw new Error(`The streams do not come to rest within ${patienceMs / 1_000} s: ${now}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

type Streams = ReadonlyMap<string, StreamState>;

/** Exact where nothing went meanwhile; where something did (it was purged, or a key was written anew), by the mean size of what there is. */
export const bytesWritten = (before: Streams, after: Streams): number =>
  [...after].reduce((sum, [name, now]) => {
    const was = before.get(name) ?? { messages: 0, bytes: 0, lastSeq: 0 };
    const written = now.lastSeq - was.lastSeq;
    if (now.messages - was.messages === written) return sum + now.bytes - was.bytes;
    const sample = now.messages > 0 ? now : was;
    return sum + (sample.messages > 0 ? (written * sample.bytes) / sample.messages : 0);
  }, 0);
