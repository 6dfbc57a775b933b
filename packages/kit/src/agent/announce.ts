// Says who this agent is, again and again: its key in the bucket of agents lives only a little longer than the beat.
import type { Bus, Store } from '@capstan/bus';
import { type AgentRecord, limits } from '@capstan/contracts';
import type { Logger } from '../log.ts';
import type { ServerClock } from './server-clock.ts';

export interface Announcement {
  /** Says it now, with the health it has from now on. */
  say(health?: 'ok' | 'degraded' | 'draining'): Promise<void>;
  /** Null while others can see this agent; otherwise why they may not. */
  wrong(): string | null;
  /** Takes the key away. */
  end(): Promise<void>;
}

export interface AnnounceOptions {
  readonly bus: Bus;
  readonly record: AgentRecord;
  readonly busy: () => number;
  /** What can't be served just now, and why. */
  readonly without?: (() => Readonly<Record<string, string>>) | undefined;
  readonly log: Logger;
  /** Set by what the server says it stored when. */
  readonly clock: ServerClock;
}

const compareClocksEvery = 20;

export const announce = ({ bus, record, busy, without, log, clock }: AnnounceOptions): Announcement => {
  const key = `${record.queue}.${record.instance}`;
  const store: Store = bus.store(bus.names.buckets.agents);
  let health: NonNullable<AgentRecord['health']> = 'ok';
  let saidAt = 0;
  let said = 0;
  let ended = false;
  const say = async (now = health): Promise<void> => {
    health = now;
    try {
      const before = Date.now();
      await store.set({
        key,
        data: JSON.stringify({ ...record, ...offered(record, without?.()), busy: busy(), health }),
        expect: null,
      });
      saidAt = Date.now();
      if (said++ % compareClocksEvery === 0) await clock.compare(store, key, before, saidAt);
    } catch (error) {
      // The next beat tries again; meanwhile work that is here goes on.
      log.warn({ error }, 'Could not announce this agent.');
    }
  };
  let beating: Promise<void> = Promise.resolve();
  const beat = setInterval(() => {
    beating = beating.then(() => (ended ? undefined : say()));
  }, limits.agentBeatMs);
  return {
    say,
    wrong: () => (Date.now() - saidAt <= limits.agentTtlMs ? null : 'not announced'),
    end: async () => {
      ended = true;
      clearInterval(beat);
      // Nobody to tell; it runs out by itself.
      if (!bus.connected()) return;
      await beating;
      await store
        .remove(key)
        .catch((error: unknown) =>
          log.debug({ error }, 'Could not take the announcement back; it runs out by itself.'),
        );
    },
  };
};

/** A capability that is missing for now is not announced, so that no order for it comes here, and said beside, so that somebody can mend it. */
const offered = (
  { capabilities }: AgentRecord,
  without: Readonly<Record<string, string>> = {},
): Pick<AgentRecord, 'capabilities' | 'missing'> => {
  const missing = Object.fromEntries(Object.entries(without).filter(([name]) => capabilities.includes(name)));
  if (Object.keys(missing).length === 0) return { capabilities };
  return { capabilities: capabilities.filter((name) => !(name in missing)), missing };
};
