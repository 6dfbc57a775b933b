// `capstan list`: the tasks there are.
import { taskStatuses } from '@capstan/contracts';
import { listTasks } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { clean, jsonText, spanOf } from '../text.ts';
import { table } from '../table.ts';
import { words } from '../tree/status.ts';

export const list = defineCommand({
  name: 'list',
  group: 'tasks',
  summary: 'List tasks, the newest first',
  arguments: [],
  options: {
    status: { type: 'text', value: 'STATUS', text: 'only tasks of this status', oneOf: taskStatuses },
    tenant: { type: 'text', value: 'TENANT', text: 'only tasks of this tenant' },
    since: {
      type: 'text',
      value: 'TIME',
      text: 'only tasks created since, such as 2026-12-01 or 2026-12-01T09:00:00Z',
    },
    limit: { type: 'whole', value: 'N', text: 'at most so many', default: 50, min: 1, max: 100_000 },
  },
  examples: [
    { run: 'capstan list --status awaiting_approval', what: 'what waits for somebody to approve' },
    { run: "capstan list --json | jq -r '.tasks[].task_id'", what: 'only the ids' },
  ],
  run: async ({ options: { limit, ...filter }, connect, json, terminal }) => {
    const { items, more } = await listTasks(await connect(), filter, limit);
    if (json) terminal.print(jsonText({ tasks: items, more }));
    else if (items.length === 0) terminal.remark('No tasks. `capstan submit --help` says how to make one.');
    else {
      const rows = items.map((task) => [
        clean(task.task_id),
        words(task.status),
        `${spanOf(Date.now() - Date.parse(task.created_at))} ago`,
        clean(task.title),
      ]);
      for (const line of table([['TASK', 'STATUS', 'CREATED', 'TITLE'], ...rows], terminal.size().columns))
        terminal.print(line);
      if (more) terminal.remark(`More than ${limit}: give --limit, --status or --since.`);
    }
    return exits.ok;
  },
});
