// Tells everybody what the tools here are: an entry each in the bucket of tools, from which `capstan tools` and planners read.
import type { Json, ToolRecord } from '@capstan/contracts';
import type { House, Logger } from '@capstan/kit';
import { z } from 'zod';
import type { Tool } from './tool.ts';

export const describe = (queue: string, tool: Tool): ToolRecord => {
  const { name, description, risk, needs, schemas } = tool;
  const input = schemas?.input ?? jsonSchema(tool.input, 'input');
  const output = schemas?.output ?? jsonSchema(tool.output, 'output');
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
  { bus }: House,
  queue: string,
  tools: readonly Tool[],
  log: Logger,
): { stop(): void } => {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const store = bus.store(bus.names.buckets.tools);
  const publish = async (): Promise<void> => {
    for (const tool of tools) {
      if (stopped) return;
      const key = `${queue}.${tool.name}`;
      const data = JSON.stringify(describe(queue, tool));
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
