// Tells everybody what an agent can do: an entry for each capability in the bucket of tools, from which `capstan tools` and planners read.
import type { Bus } from '@capstan/bus';
import type { Json, Risk, ToolNeeds, ToolRecord } from '@capstan/contracts';
import { z } from 'zod';
import type { Logger } from '../log.ts';

/** A capability, as those who plan with it read of it. */
export interface Described {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodType;
  readonly output: z.ZodType;
  readonly risk: Risk;
  readonly needs: ToolNeeds;
  /** Where others describe it, their own JSON Schemas. */
  readonly schemas?: { readonly input: object; readonly output: object };
}

const recordOf = (queue: string, { name, description, risk, needs, schemas, ...zod }: Described): ToolRecord => {
  const input = schemas?.input ?? jsonSchema(zod.input, 'input');
  const output = schemas?.output ?? jsonSchema(zod.output, 'output');
  return {
    v: 1,
    name,
    queue,
    description,
    risk,
    needs,
    input: input as Record<string, Json>,
    output: output as Record<string, Json>,
  };
};

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): object => {
  const { $schema: _, ...shape } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return shape;
};

const againMs = 2_000;

/** Goes on trying until it is stored: nothing else waits for it. */
export const publishCatalogue = (
  bus: Bus,
  queue: string,
  described: readonly Described[],
  log: Logger,
): { stop(): void } => {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const store = bus.store(bus.names.buckets.tools);
  const publish = async (): Promise<void> => {
    for (const one of described) {
      if (stopped) return;
      const key = `${queue}.${one.name}`;
      const data = JSON.stringify(recordOf(queue, one));
      const there = await store.get(key);
      if (there === null || Buffer.from(there.data).toString() !== data) await store.set({ key, data, expect: null });
    }
  };
  const attempt = (): void => {
    void publish().catch((error: unknown) => {
      if (stopped) return;
      log.debug({ error }, 'The description of the tools is not stored yet; trying again.');
      timer = setTimeout(attempt, againMs);
    });
  };
  attempt();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
};
