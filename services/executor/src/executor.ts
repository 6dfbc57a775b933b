// The executor: each of its tools is a capability. What a tool does is in its own file under tools/.
import {
  commandRunner,
  defineAgent,
  nearest,
  newWorkspaces,
  reject,
  type RunCommand,
  type Workspaces,
} from '@capstan/kit';
import { publishCatalogue } from './catalogue.ts';
import { settings } from './settings.ts';
import { runTool, type Tool } from './tool.ts';
import { tools } from './tools/index.ts';

/** Light work and waiting make up most of it; a pool for heavy work is one with less of this. */
const concurrency = 16;

const queue = 'executor';

export const newExecutor = () => {
  const byName = new Map<string, Tool>(tools.map((tool) => [tool.name, tool]));
  let workspaces: Workspaces;
  let commands: RunCommand;
  let catalogue: { stop(): void } | undefined;
  return defineAgent({
    queue,
    domain: 'build',
    capabilities: () => [...byName.keys()],
    concurrency,
    ...settings,
    start: (config, log, house) => {
      workspaces = newWorkspaces('executor', config.workspaces);
      commands = commandRunner(config);
      if (config.unsafe_host_shell)
        log.warn('Commands run on this host without a sandbox: every task can run anything as this user.');
      catalogue = publishCatalogue(house, config.own.queue ?? queue, [...byName.values()], log);
    },
    run: async (order, context) => {
      const tool = byName.get(order.capability);
      if (!tool) return reject('unknown_capability', unknown(order.capability, [...byName.keys()]));
      return runTool(tool, { ...context, order, commands, workspaces });
    },
    stop: () => {
      catalogue?.stop();
      return workspaces.end();
    },
  });
};

const unknown = (capability: string, known: readonly string[]): string => {
  const meant = nearest(capability, known);
  return `This executor has no "${capability}"${meant ? `; did you mean ${meant}?` : '.'} It has ${known.join(', ')}. \`capstan tools\` describes them.`;
};
