// What agents have said of their tools, read from the bucket of tools.
import { isBusError, textOf } from '@capstan/bus';
import { type ToolRecord, toolRecord } from '@capstan/contracts';
import type { Client } from './client.ts';
import { CommandError, exits } from './exit.ts';

export type DescribedTool = ToolRecord;

/** In the order of their names. An entry that can't be read is another program's business. */
export const readTools = async (client: Client): Promise<DescribedTool[]> => {
  const store = client.bus.store(client.names.buckets.tools);
  try {
    const found: DescribedTool[] = [];
    for (const key of (await store.keys()).toSorted()) {
      // Pins of what MCP servers have, which no queue's name can begin with.
      if (key.startsWith('_')) continue;
      const entry = await store.get(key);
      const tool = entry && !entry.gone ? readTool(entry.data) : null;
      if (tool) found.push(tool);
    }
    return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (!isBusError(error)) throw error;
    throw new CommandError(exits.unavailable, `The tools could not be read: ${error.message}`, {
      code: 'unavailable',
      hint: 'Is a coordinator of this version running? It makes the bucket.',
    });
  }
};

const readTool = (data: Uint8Array): DescribedTool | null => {
  try {
    return toolRecord.safeParse(JSON.parse(textOf(data))).data ?? null;
  } catch {
    return null;
  }
};
