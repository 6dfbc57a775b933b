// The executor: each of its tools is a capability. What a tool does is in its own file under tools/.
import type { Risk } from '@capstan/contracts';
import { defineAgent, nearest, newTaskEnds, reject } from '@capstan/kit';
import type { Models } from '@capstan/models';
import { openSandbox, removeLeftovers, type Sandbox } from '@capstan/sandbox';
import type { McpTools } from './mcp/tools.ts';
import { settings } from './settings.ts';
import { runTool, type Tool } from './tool.ts';
import { tools } from './tools/index.ts';

/** Light work and waiting make up most of it; a pool for heavy work is one with less of this. */
const concurrency = 16;

const queue = 'executor';

export const newExecutor = () => {
  const byName = new Map<string, Tool>(tools.map((tool) => [tool.name, tool]));
  let sandbox: Sandbox;
  let models: Models | null = null;
  let mcp: McpTools | undefined;
  return defineAgent({
    queue,
    domain: 'build',
    capabilities: () => [...byName.keys()],
    describes: () => [...byName.values()],
    risks: () => risksOf([...byName.values()]),
    concurrency,
    ...settings,
    start: async (config, log, house) => {
      await removeLeftovers('git');
      sandbox = await openSandbox('executor', config, log, newTaskEnds(house.bus));
      // What only some installations have is loaded where it is configured.
      if (config.own.models !== undefined) {
        const { loadModelsFile, newModels } = await import('@capstan/models');
        models = newModels(loadModelsFile(config.own.models), house);
      }
      if (config.own.mcp.manifest !== undefined) {
        const [{ loadManifest }, { startMcpTools }] = await Promise.all([
          import('./mcp/manifest.ts'),
          import('./mcp/tools.ts'),
        ]);
        mcp = await startMcpTools(loadManifest(config.own.mcp.manifest), config.own.queue ?? queue, house, log);
        for (const tool of mcp.tools) byName.set(tool.name, tool);
      }
    },
    without: () => {
      const wrong = sandbox.wrong();
      if (wrong === null) return {};
      const hindered = [...byName.values()].filter(({ needs }) => needs.sandbox === true);
      return Object.fromEntries(hindered.map(({ name }) => [name, wrong]));
    },
    run: async (order, context) => {
      const tool = byName.get(order.capability);
      if (!tool) return reject('unknown_capability', unknown(order.capability, [...byName.keys()]));
      // The context itself and not a copy of it: what of it nobody asks for is never made. Nor an object that has it as its prototype: such a
      // prototype is kept, with the whole order, until the next major collection.
      return runTool(tool, Object.assign(context, { order, sandbox, models }));
    },
    stop: async () => {
      await mcp?.stop();
      await sandbox.end();
    },
  });
};

/** For the approval of what is risky: what a plan says of a step may be more, and never less. */
const risksOf = (all: readonly Tool[]): Record<string, Risk> =>
  Object.fromEntries(all.filter(({ risk }) => risk !== 'low').map(({ name, risk }) => [name, risk]));

const unknown = (capability: string, known: readonly string[]): string => {
  const meant = nearest(capability, known);
  return `This executor has no "${capability}"${meant ? `; did you mean ${meant}?` : '.'} It has ${known.join(', ')}. \`capstan tools\` describes them.`;
};
