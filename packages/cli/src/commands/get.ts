// `capstan get`: a task as it stands.
import { getTask } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { clean, jsonText } from '../text.ts';
import { headline } from '../headline.ts';
import { quarantineText } from '../quarantined.ts';
import { renderTree } from '../tree/draw.ts';

export const get = defineCommand({
  name: 'get',
  group: 'tasks',
  summary: 'Show a task as it stands, with its steps as a tree',
  description:
    'The answer comes from the coordinator that owns the task, so it is exact; with --json it is the whole record.',
  arguments: [{ name: 'task', text: 'the id of the task' }],
  options: {},
  examples: [
    { run: 'capstan get feature-1087', what: 'the plan as a tree, and how far it is' },
    { run: "capstan get feature-1087 --json | jq '.steps.unit.output'", what: 'what one step gave' },
  ],
  run: async ({ args, connect, json, terminal }) => {
    const task = await getTask(await connect(), args.task);
    if (json) {
      terminal.print(jsonText(task, 2));
      return exits.ok;
    }
    const view = { columns: terminal.size().columns - 1, lines: 200, now: Date.now(), style: terminal.style };
    terminal.print(headline(task, view));
    if (task.reason) terminal.print(`because: ${clean(task.reason)}`);
    const quarantined = quarantineText(task);
    if (quarantined !== null) terminal.print(terminal.style.red(quarantined));
    for (const line of renderTree(task, view)) terminal.print(line);
    if (task.result !== null && task.result !== undefined) terminal.print(`result: ${clean(task.result)}`);
    return exits.ok;
  },
});
