// Queues whose agents have all gone. An order that nobody was given and nobody comes for is no silence: its step hears of that, and looks for a queue
// anew; so it is blocked where nobody can do it, and people are told. See decision 17.
import { type Failure, limits } from '@capstan/contracts';
import { unservedCode } from '@capstan/engine';
import type { Broker } from './broker.ts';
import type { World } from './world.ts';

export interface Deserted {
  has(queue: string): boolean;
  /** Looks at all queues anew; resolves with those that nobody serves. */
  look(): Promise<string[]>;
}

/** So long nobody may be there before that counts: whoever is only started anew is back by then. */
export const goneForMs = limits.agentTtlMs;

export const newDeserted = (world: World, broker: Pick<Broker, 'serves'>): Deserted => {
  /** Since when nobody has been seen there. */
  const since = new Map<string, number>();
  const has = (queue: string): boolean => {
    const from = since.get(queue);
    if (from === undefined) return false;
    if (!broker.serves(queue)) return world.clock.now() - from >= goneForMs;
    since.delete(queue);
    return false;
  };
  return {
    has,
    look: async () => {
      // While the server is out of reach nobody is heard of: only its answer makes silence a sign.
      const queues = await world.bus.queues();
      for (const queue of queues) if (!since.has(queue) && !broker.serves(queue)) since.set(queue, world.clock.now());
      return queues.filter(has);
    },
  };
};

export const nobodyServes = (queue: string): Failure => ({
  code: unservedCode,
  message: `no agent of queue "${queue}" is there any more`,
  retryable: true,
});
