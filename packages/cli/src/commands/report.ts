// `capstan report`: what came of a task, to be read by people or handed on.
import { unreadable } from '../client.ts';
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { clean, jsonText } from '../text.ts';

export const report = defineCommand({
  name: 'report',
  group: 'tasks',
  summary: 'Print the report of a task: steps, findings, artifacts, result, as Markdown',
  arguments: [{ name: 'task', text: 'the id of the task' }],
  options: {},
  examples: [
    { run: 'capstan report feature-1087 > report.md', what: 'for people' },
    { run: 'capstan report feature-1087 --json', what: 'the same for programs' },
  ],
  run: async ({ args, connect, json, terminal }) => {
    const answer = await (await connect()).ask('task', 'report', { task_id: args.task });
    const { markdown, ...rest } = answer;
    if (typeof markdown !== 'string') throw unreadable('task.report');
    terminal.print(json ? jsonText(rest) : markdown.trimEnd().split('\n').map(clean).join('\n'));
    return exits.ok;
  },
});
