// Which of the queues that can do a step gets it. What agents say of themselves is up to three seconds old, so what was routed to a queue since counts
// as well: of many steps that come at once specialists get as many as they have room for, and others the rest.
import { type AgentRecord, limits } from '@capstan/contracts';

export interface SeenAgent extends AgentRecord {
  readonly seen_at: number;
}

/** How many steps went to each queue of late. */
export interface Routed {
  add(queue: string, now: number): void;
  since(queue: string, at: number): number;
}

export const newRouted = (): Routed => {
  const byQueue = new Map<string, { readonly at: number; count: number }[]>();
  return {
    add: (queue, now) => {
      const all = byQueue.get(queue) ?? [];
      byQueue.set(queue, all);
      const newest = all.at(-1);
      if (newest !== undefined && newest.at >= now) newest.count += 1;
      else all.push({ at: now, count: 1 });
      // An agent that has said nothing for longer than this is none.
      while ((all[0]?.at ?? now) < now - limits.agentTtlMs - onTheWayMs) all.shift();
    },
    since: (queue, at) =>
      (byQueue.get(queue) ?? []).reduce((sum, routed) => sum + (routed.at >= at ? routed.count : 0), 0),
  };
};

/** So long an order may be on its way before its agent can count it. */
const onTheWayMs = 500;

interface Offer {
  readonly name: string;
  readonly isWell: boolean;
  /** How much its agents can do besides. */
  readonly breadth: number;
  readonly room: number;
  /** How often its agents must be done with all that they have before it is this step's turn. */
  readonly rounds: number;
}

/**
 * Where somebody is free comes before where one would wait; whoever is well before whoever is degraded; where it is sooner one's turn; specialists before
 * those who can do much else; then whoever has most room. The name decides between equals. A step whose time is limited goes where it is soonest its
 * turn, well or not.
 */
export const bestQueue = (able: readonly SeenAgent[], routed: Routed, isHurried: boolean): string => {
  const names = new Set(able.map(({ queue }) => queue));
  const offers = [...names].map((name) => {
    const agents = able.filter(({ queue }) => queue === name);
    return offerOf(name, agents, routed);
  });
  const soonest = (a: Offer, b: Offer) => a.rounds - b.rounds;
  const wellest = (a: Offer, b: Offer) => Number(b.isWell) - Number(a.isWell);
  const [first] = offers.toSorted(
    (a, b) =>
      Number(b.room > 0) - Number(a.room > 0) ||
      (isHurried ? soonest(a, b) || wellest(a, b) : wellest(a, b) || soonest(a, b)) ||
      a.breadth - b.breadth ||
      b.room - a.room ||
      (a.name < b.name ? -1 : 1),
  );
  return (first as Offer).name;
};

const offerOf = (name: string, agents: readonly SeenAgent[], routed: Routed): Offer => {
  const hands = agents.reduce((sum, { concurrency }) => sum + (concurrency ?? 1), 0);
  const busy = agents.reduce((sum, agent) => sum + Math.min(agent.busy ?? 0, agent.concurrency ?? 1), 0);
  const load = busy + routed.since(name, Math.min(...agents.map(({ seen_at: at }) => at)) - onTheWayMs);
  return {
    name,
    isWell: agents.some(({ health }) => health !== 'degraded'),
    breadth: Math.min(...agents.map(({ capabilities }) => capabilities.length)),
    room: hands - load,
    rounds: Math.floor(load / Math.max(1, hands)),
  };
};
