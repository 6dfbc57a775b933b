// Who can do what just now: the live agents as they announce themselves, and the steps that look for a queue. Finds each a queue, opens
// queues that are new, and says so when nobody is there.
import { textOf } from '@capstan/bus';
import { type AgentRecord, agentRecord, limits, type Risk, risk as riskSchema } from '@capstan/contracts';
import { nearest } from '@capstan/kit';
import { bestQueue, newRouted, type SeenAgent } from './best-queue.ts';
import { sayEvent, untilStored } from './say.ts';
import type { World } from './world.ts';

export interface Wanted {
  readonly task: string;
  readonly key: string;
  readonly step: string;
  readonly attempt: number;
  readonly capability: string;
  readonly needs: Readonly<Record<string, string>>;
  /** Its time is limited. */
  readonly isHurried: boolean;
}

export interface Broker {
  want(wanted: Wanted): void;
  forget(task: string): void;
  agents(): SeenAgent[];
  /** Whether anybody is there who takes orders of a queue. */
  serves(queue: string): boolean;
  /** How many orders the live agents of a queue can do at once; 0 where there are none. */
  capacity(queue: string): number;
  /** The queue of each capability that exactly one queue offers: what a task may rely on without asking again. */
  routesFor(capabilities: Iterable<string>): Record<string, string>;
  /** What their agents say that steps of these may do at worst, where that is more than low: to be spread into a submission. */
  risksFor(capabilities: Iterable<string>): { readonly risks?: Record<string, Risk> };
  offers(capability: string): boolean;
  /** Why a capability has no queue, with the nearest name that has one; null where somebody offers it. */
  missing(capability: string): string | null;
  /** The templates that the live planners know; null where one of them does not say, or none is there. */
  templates(): ReadonlySet<string> | null;
  stop(): Promise<void>;
}

export const broker = async (world: World): Promise<Broker> => {
  const live = new Map<string, SeenAgent>();
  const wants = new Map<string, Wanted & { unroutedSaid: boolean }>();
  const opened = new Set<string>();
  const lately = newRouted();
  let ready = false;
  let heard: () => void = () => {};
  const known = new Promise<void>((resolve) => (heard = resolve));

  const present = (): SeenAgent[] => {
    const oldest = world.clock.now() - limits.agentTtlMs;
    for (const [key, agent] of live) if (agent.seen_at < oldest) live.delete(key);
    return [...live.values()];
  };
  const able = (capability: string, needs: Wanted['needs']): SeenAgent[] =>
    present().filter(
      (agent) =>
        agent.health !== 'draining' &&
        agent.capabilities.includes(capability) &&
        Object.entries(needs).every(([tag, value]) => agent.tags?.[tag] === value),
    );

  const settle = (wanted: Wanted & { unroutedSaid: boolean }) => {
    const found = able(wanted.capability, wanted.needs);
    const name = `${wanted.task} ${wanted.step} ${wanted.attempt}`;
    if (found.length > 0) {
      wants.delete(name);
      const queue = bestQueue(found, lately, wanted.isHurried);
      lately.add(queue, world.clock.now());
      const body = { v: 1, queue, ...worstIn(found, wanted.capability) };
      void untilStored(world, () =>
        sayEvent(world, wanted.task, wanted.key, ['routed', wanted.step, wanted.attempt], body),
      ).catch(world.fatal);
    } else if (ready && !wanted.unroutedSaid) {
      wanted.unroutedSaid = true;
      const reason = missingText(wanted.capability, wanted.needs, present());
      world.log.warn({ task: wanted.task, step: wanted.step }, `blocked: ${reason}`);
      void untilStored(world, () =>
        sayEvent(world, wanted.task, wanted.key, ['unrouted', wanted.step, wanted.attempt], { v: 1, reason }),
      ).catch(world.fatal);
    }
  };

  const open = (queue: string) => {
    if (opened.has(queue)) return;
    opened.add(queue);
    world.bus.openQueue(queue).catch((error: unknown) => {
      opened.delete(queue);
      world.log.warn({ err: error, queue }, 'the queue could not be opened; trying again when its agent is seen next');
    });
  };

  const watching = await world.bus.store(world.names.buckets.agents).watch(
    (entry) => {
      const known = live.get(entry.key);
      if (entry.gone) {
        live.delete(entry.key);
        return;
      }
      const agent = parseAgent(entry.key, entry.data);
      if (agent === null) return;
      // By our own clock: an agent's record has lived as long as we have not heard of it, whatever time the server has.
      live.set(entry.key, { ...agent, seen_at: world.clock.now() });
      open(agent.queue);
      if (
        known === undefined ||
        known.capabilities.length !== agent.capabilities.length ||
        known.health !== agent.health
      )
        for (const wanted of wants.values()) settle(wanted);
    },
    () => {
      ready = true;
      heard();
    },
  );
  // Before, every capability would look as if nobody offered it.
  await known;

  // Whoever looks for a queue is not kept waiting by a start in which agents and tasks come in any order.
  const patience = world.clock.every(1_000, () => {
    for (const wanted of wants.values()) settle(wanted);
  });

  return {
    want: (wanted) => {
      const entry = { ...wanted, unroutedSaid: false };
      wants.set(`${wanted.task} ${wanted.step} ${wanted.attempt}`, entry);
      settle(entry);
    },
    forget: (task) => {
      for (const [name, wanted] of wants) if (wanted.task === task) wants.delete(name);
    },
    agents: present,
    serves: (queue) => present().some((agent) => agent.queue === queue && agent.health !== 'draining'),
    capacity: (queue) =>
      present().reduce((sum, agent) => sum + (agent.queue === queue ? (agent.concurrency ?? 1) : 0), 0),
    routesFor: (capabilities) => {
      const routes: Record<string, string> = {};
      for (const capability of capabilities) {
        const queues = new Set(able(capability, {}).map((agent) => agent.queue));
        if (queues.size === 1) routes[capability] = [...queues][0] as string;
      }
      return routes;
    },
    risksFor: (capabilities) => {
      const risks: Record<string, Risk> = {};
      for (const capability of capabilities) {
        const { risk } = worstIn(able(capability, {}), capability);
        if (risk !== undefined) risks[capability] = risk;
      }
      return Object.keys(risks).length === 0 ? {} : { risks };
    },
    offers: (capability) => able(capability, {}).length > 0,
    missing: (capability) => (able(capability, {}).length > 0 ? null : missingText(capability, {}, present())),
    templates: () => {
      const planners = able('plan', {});
      const said = planners.map((agent) => agent.templates);
      return planners.length === 0 || said.includes(undefined) ? null : new Set(said.flatMap((names) => names ?? []));
    },
    stop: async () => {
      patience();
      await watching.stop();
    },
  };
};

/** Agents of several versions may say different things of one capability. */
const worstIn = (agents: readonly SeenAgent[], capability: string): { readonly risk?: Risk } => {
  const said = new Set(agents.map((agent) => agent.risks?.[capability] ?? 'low'));
  const risk = riskSchema.options.findLast((one) => said.has(one)) ?? 'low';
  return risk === 'low' ? {} : { risk };
};

const missingText = (capability: string, needs: Wanted['needs'], agents: readonly SeenAgent[]): string => {
  const offered = [...new Set(agents.flatMap((agent) => agent.capabilities))];
  const tags = Object.entries(needs).map(([tag, value]) => `${tag}=${value}`);
  if (offered.includes(capability))
    return `no live agent offers "${capability}"${tags.length > 0 ? ` with ${tags.join(', ')}` : ''}`;
  // Somebody would, and says what keeps it from that.
  const hindered = agents.find((agent) => agent.missing?.[capability] !== undefined);
  if (hindered)
    return `no live agent offers "${capability}" just now. ${hindered.queue}.${hindered.instance} says: ${hindered.missing?.[capability]}`;
  const near = nearest(capability, offered);
  return `no live agent offers "${capability}"${near === null ? '' : `; the nearest name that is offered is "${near}"`}`;
};

const parseAgent = (key: string, data: Uint8Array): AgentRecord | null => {
  try {
    const parsed = agentRecord.safeParse(JSON.parse(textOf(data)));
    return parsed.success && key === `${parsed.data.queue}.${parsed.data.instance}` ? parsed.data : null;
  } catch {
    return null;
  }
};
