// The executor: each of its tools is a capability. What a tool does is in its own file under tools/.
import { commandRunner, defineAgent, newWorkspaces, reject, type RunCommand, type Workspaces } from '@capstan/kit';
import { settings } from './settings.ts';
import { runTool } from './tool.ts';
import { tools } from './tools/index.ts';

const byName = new Map(tools.map((tool) => [tool.name, tool]));

/** Light work and waiting make up most of it; a pool for heavy work is one with less of this. */
const concurrency = 16;

export const newExecutor = () => {
  let workspaces: Workspaces;
  let commands: RunCommand;
  return defineAgent({
    queue: 'executor',
    domain: 'build',
    capabilities: tools.map((tool) => tool.name),
    concurrency,
    ...settings,
    start: (config, log) => {
      workspaces = newWorkspaces('executor', config.workspaces);
      commands = commandRunner(config);
      if (config.unsafe_host_shell)
        log.warn('Commands run on this host without a sandbox: every task can run anything as this user.');
    },
    run: async (order, context) => {
      const tool = byName.get(order.capability);
      if (!tool)
        return reject(
          'unknown_capability',
          `This executor has no "${order.capability}"; it has ${[...byName.keys()].join(', ')}.`,
        );
      return runTool(tool, { ...context, order, commands, workspaces });
    },
    stop: () => workspaces.end(),
  });
};
