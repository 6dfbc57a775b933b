// An agent: what it can do, and how it does one order. Everything around that is the loop's business.
import type { Bus } from '@capstan/bus';
import { capability, id, limits, type Order, type Risk } from '@capstan/contracts';
import { z } from 'zod';
import { type Described, publishCatalogue } from './agent/catalogue.ts';
import type { AgentContext } from './agent/context.ts';
import { type Loop, startLoop } from './agent/loop.ts';
import { rehearse } from './agent/rehearse.ts';
import type { Config, Section } from './config.ts';
import type { Logger } from './log.ts';
import type { Mask } from './masking.ts';
import type { Outcome } from './outcome.ts';
import { resolveSecrets, secretSource } from './secrets.ts';
import { runService } from './service.ts';
import { version } from './version.ts';

/** What every agent may be told under its own name in the configuration; a pool of its own is one with another queue and tags. */
const agentShape = {
  queue: id.optional(),
  domain: z.string().max(64).optional(),
  /** Only these of the agent's capabilities. */
  capabilities: z.array(capability).min(1).optional(),
  tags: z.record(z.string().max(64), z.string().max(256)).optional(),
  concurrency: z.int().min(1).max(100_000).optional(),
};

type AgentShape = typeof agentShape;
export type AgentSettings<Shape extends z.ZodRawShape> = z.output<z.ZodObject<AgentShape & Shape, z.core.$strict>>;

/** What an agent may use before its first order, and beside its orders. */
export interface House {
  readonly bus: Bus;
  /** A copy of a value of the configuration with every secret in it resolved, and masked from then on. */
  resolve(value: unknown): Promise<unknown>;
}

export interface AgentDefinition<Shape extends z.ZodRawShape = Record<never, never>> {
  readonly queue: string;
  readonly domain?: string;
  /** Asked once `start` is over, where only that can tell. */
  readonly capabilities: readonly string[] | (() => readonly string[]);
  /** What they take and give, for whoever plans with them. Asked once `start` is over. */
  readonly describes?: () => readonly Described[];
  /** What a step with one of them may do at worst; what is not named is `low`. */
  readonly risks?: () => Readonly<Record<string, Risk>>;
  readonly tags?: Readonly<Record<string, string>>;
  /** The templates that it knows, once `start` is over: a task that names another one is refused when it is submitted. */
  readonly templates?: () => readonly string[];
  readonly concurrency?: number;
  /** Settings of its own, beside those that every agent has. */
  readonly settings?: Shape;
  readonly environment?: Section['environment'];
  /** Called once, before the first order. */
  readonly start?: (config: Config<AgentSettings<Shape>>, log: Logger, house: House) => Promise<void> | void;
  readonly run: (order: Order, context: AgentContext<AgentSettings<Shape>>) => Promise<Outcome>;
  /** Capabilities that can't be served just now, each with why; they are announced as missing until they can. */
  readonly without?: () => Readonly<Record<string, string>>;
  /** Called once, after the last one. */
  readonly stop?: () => Promise<void> | void;
}

export interface Agent<Shape extends z.ZodRawShape = Record<never, never>> extends AgentDefinition<Shape> {
  readonly section: Section<z.ZodObject<AgentShape & Shape, z.core.$strict>>;
}

export const defineAgent = <Shape extends z.ZodRawShape = Record<never, never>>(
  definition: AgentDefinition<Shape>,
): Agent<Shape> => ({
  ...definition,
  section: {
    schema: z.strictObject({ ...agentShape, ...(definition.settings ?? ({} as Shape)) }) as z.ZodObject<
      AgentShape & Shape,
      z.core.$strict
    >,
    environment: { ...definition.environment, CAPSTAN_CONCURRENCY: { path: ['concurrency'], as: 'number' } },
  },
});

export interface AgentParts<Shape extends z.ZodRawShape> {
  readonly bus: Bus;
  readonly config: Config<AgentSettings<Shape>>;
  readonly log: Logger;
  readonly mask: Mask;
}

/** Takes orders from now on. `runAgent` does this in a process of its own. */
export const startAgent = async <Shape extends z.ZodRawShape>(
  agent: Agent<Shape>,
  parts: AgentParts<Shape>,
): Promise<Loop> => {
  const { config, log } = parts;
  const own = config.own as z.output<z.ZodObject<AgentShape>>;
  const source = secretSource(config, (one) => log.info(one, 'Request.'));
  await agent.start?.(config, log, {
    bus: parts.bus,
    resolve: (value) => resolveSecrets(value, source, [parts.mask]),
  });
  const offered = typeof agent.capabilities === 'function' ? agent.capabilities() : agent.capabilities;
  const queue = own.queue ?? agent.queue;
  const catalogue = agent.describes && publishCatalogue(parts.bus, queue, agent.describes(), log);
  const loop = await startLoop({
    ...parts,
    run: agent.run,
    without: agent.without,
    record: {
      v: 1,
      queue,
      instance: config.instance,
      ...domainOf(own.domain ?? agent.domain),
      capabilities: [...(own.capabilities ?? offered)],
      ...(agent.risks === undefined ? {} : { risks: agent.risks() }),
      ...(agent.templates === undefined ? {} : { templates: [...agent.templates()] }),
      tags: { os: process.platform, arch: process.arch, ...agent.tags, ...own.tags },
      concurrency: own.concurrency ?? agent.concurrency ?? limits.agentConcurrency,
      version,
      started_at: new Date().toISOString(),
    },
  });
  return {
    wrong: loop.wrong,
    drain: async (withinMs) => {
      catalogue?.stop();
      await loop.drain(withinMs);
      await agent.stop?.();
    },
  };
};

const domainOf = (domain: string | undefined): { domain?: string } => (domain === undefined ? {} : { domain });

/** The whole of an agent's `main.ts`. */
export const runAgent = <Shape extends z.ZodRawShape>(agent: Agent<Shape>): Promise<void> =>
  runService({
    name: agent.queue,
    section: agent.section,
    start: async ({ bus, config, log, mask, health, shutdown }) => {
      if (config.rehearse) {
        await bus.rehearse();
        if (!(await rehearse(config))) log.info('The rehearsal was broken off: this machine is busy.');
      }
      const loop = await startAgent(agent, {
        bus,
        config: config as unknown as Config<AgentSettings<Shape>>,
        log,
        mask,
      });
      health.check('orders', () => loop.wrong());
      shutdown.onDrain('orders', () => loop.drain(config.drain_ms));
    },
  });
