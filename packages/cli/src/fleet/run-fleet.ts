// Looks, decides, acts, again and again: orders that wait and agents that live are read from NATS, containers from the engine.
import { textOf } from '@capstan/bus';
import { type AgentRecord, agentRecord } from '@capstan/contracts';
import { pause } from '@capstan/kit';
import type { Client } from '../client.ts';
import type { Say } from '../up/say.ts';
import { decide, type Member, type Rule } from './decide.ts';
import type { Pool, Pooled } from './pool.ts';

export interface FleetParts {
  readonly client: Client;
  readonly pool: Pool;
  readonly queue: string;
  readonly rule: Rule;
  readonly concurrency: number;
  readonly say: Say;
  /** Lets its executors go when it ends. */
  readonly leave: boolean;
  readonly signal: AbortSignal;
}

const lookEveryMs = 1_000;
/** One that has not announced itself by then never will. */
const startMs = 60_000;
const longestPauseMs = 60_000;

export const runFleet = async (parts: FleetParts): Promise<void> => {
  const { pool, say, signal } = parts;
  const agents = await watchAgents(parts);
  const fleet = newFleet(parts, agents.seen);
  say.result(
    'ready',
    {},
    `The fleet of "${parts.queue}" is kept between ${parts.rule.min} and ${parts.rule.max}. Ctrl-C ends it.`,
  );
  let failures = 0;
  while (!signal.aborted) {
    try {
      await fleet.turn();
      failures = 0;
    } catch (error) {
      // The engine or NATS may be starting again; a first look that fails is a mistake in how it was started.
      if (fleet.turns() === 0) throw error;
      failures++;
      say.remark('failed', {}, (error as Error).message, 'warn');
    }
    await pause(Math.min(longestPauseMs, lookEveryMs * 2 ** Math.min(failures, 6)), signal);
  }
  await agents.stop();
  if (parts.leave) return;
  const left = (await pool.list()).filter(({ alive }) => alive);
  for (const { container } of left) await pool.drain(container);
  say.remark('draining', { executors: left.length }, `${left.length} executors finish what they have.`);
  while ((await pool.list()).some(({ alive }) => alive)) await new Promise((again) => setTimeout(again, 250));
  for (const { container } of await pool.list()) await pool.remove(container);
};

const newFleet = (parts: FleetParts, seen: (instance: string) => AgentRecord | null) => {
  const { client, pool, queue, rule, say } = parts;
  const idleSince = new Map<string, number>();
  const used = new Set<string>();
  const leaving = new Set<string>();
  const knownSince = new Map<string, number>();
  const heard = new Set<string>();
  let turns = 0;

  const member = ({ id, startedAt }: Pooled, now: number): Member => {
    const record = seen(id);
    if (record === null || (record.busy ?? 0) > 0) idleSince.delete(id);
    else if (!idleSince.has(id)) idleSince.set(id, now);
    if ((record?.busy ?? 0) > 0) used.add(id);
    return {
      id,
      startedAt,
      used: used.has(id),
      leaving: leaving.has(id),
      idleSince: idleSince.get(id) ?? null,
      seen:
        record === null
          ? null
          : {
              busy: record.busy ?? 0,
              concurrency: record.concurrency ?? parts.concurrency,
              draining: record.health === 'draining',
            },
    };
  };

  /** Removes those that have ended, and lets those go that never said a word; silence alone, after an outage of NATS, says nothing. */
  const clear = async (pooled: readonly Pooled[], now: number): Promise<Pooled[]> => {
    for (const one of pooled.filter(({ alive }) => !alive)) {
      const isMeant = leaving.has(one.id);
      const how = isMeant ? 'has ended' : 'died and is removed';
      say.remark('removed', { instance: one.id }, `${one.id} ${how}.`, isMeant ? undefined : 'warn');
      await pool.remove(one.container);
      for (const known of [idleSince, used, leaving, knownSince, heard]) known.delete(one.id);
    }
    const here = pooled.filter(({ alive }) => alive);
    for (const { id, container } of here) {
      if (!knownSince.has(id)) knownSince.set(id, now);
      if (seen(id) !== null) heard.add(id);
      if (heard.has(id) || leaving.has(id) || now - (knownSince.get(id) as number) < startMs) continue;
      say.remark('silent', { instance: id }, `${id} never announced itself and is told to go.`, 'warn');
      leaving.add(id);
      await pool.drain(container);
    }
    return here;
  };

  return {
    turns: () => turns,
    turn: async (): Promise<void> => {
      // Who works and what waits is not known then, so nobody is started or let go.
      if (!client.bus.connected()) return;
      const now = Date.now();
      const here = await clear(await pool.list(), now);
      const info = await client.bus.queueInfo(queue);
      const members = here.map((one) => member(one, now));
      const decision = decide({ now, members, waiting: info?.pending ?? 0, concurrency: parts.concurrency }, rule);
      for (let n = 0; n < decision.start; n++) {
        const id = await pool.start();
        say.remark('started', { instance: id, waiting: info?.pending ?? 0 }, `Started ${id}.`);
      }
      for (const id of decision.stop) {
        const one = here.find((pooled) => pooled.id === id);
        if (!one) continue;
        leaving.add(id);
        await pool.drain(one.container);
        say.remark('stopping', { instance: id }, `${id} has nothing to do and goes.`);
      }
      turns++;
    },
  };
};

const watchAgents = async ({ client, queue }: FleetParts) => {
  const live = new Map<string, AgentRecord>();
  const watching = await client.bus.store(client.names.buckets.agents).watch(({ key, data, gone }) => {
    const instance = key.slice(queue.length + 1);
    if (!key.startsWith(`${queue}.`)) return;
    const record = gone ? null : agentRecord.safeParse(parsed(textOf(data)));
    if (record?.success) live.set(instance, record.data);
    else live.delete(instance);
  });
  return { seen: (instance: string) => live.get(instance) ?? null, stop: () => watching.stop() };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};
