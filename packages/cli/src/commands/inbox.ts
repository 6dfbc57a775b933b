// `capstan inbox`: what waits for a person.
import { listInterventions } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { clean, jsonText } from '../text.ts';
import { table } from '../table.ts';

export const inbox = defineCommand({
  name: 'inbox',
  group: 'people',
  summary: 'List approvals and questions that wait for somebody',
  arguments: [],
  options: {
    status: {
      type: 'text',
      value: 'STATUS',
      text: 'those that ended so, instead of those that wait',
      default: 'pending',
      oneOf: ['pending', 'approved', 'rejected', 'answered', 'expired', 'withdrawn', 'all'],
    },
    task: { type: 'text', value: 'TASK', text: 'only those of this task' },
    tenant: { type: 'text', value: 'TENANT', text: 'only those of this tenant' },
    limit: { type: 'whole', value: 'N', text: 'at most so many', default: 50, min: 1, max: 100_000 },
  },
  examples: [
    { run: 'capstan inbox', what: 'what waits, with the ids for approve, reject and answer' },
    { run: 'capstan inbox --status rejected --json', what: 'what was refused, by whom and why' },
  ],
  run: async ({ options: { limit, task, ...filter }, connect, json, terminal }) => {
    const { items, more } = await listInterventions(
      await connect(),
      { ...filter, ...(task !== undefined && { task_id: task }) },
      limit,
    );
    if (json) terminal.print(jsonText({ interventions: items, more }));
    else if (items.length === 0) terminal.remark(filter.status === 'pending' ? 'Nothing waits for anybody.' : 'None.');
    else {
      const rows = items.map((one) => [
        clean(one.id),
        clean(one.kind),
        clean(one.task_id),
        clean(one.step_id),
        clean(one.text || one.title),
      ]);
      for (const line of table([['ID', 'KIND', 'TASK', 'STEP', 'WHAT'], ...rows], terminal.size().columns))
        terminal.print(line);
      if (more) terminal.remark(`More than ${limit}: give --limit or --task.`);
    }
    return exits.ok;
  },
});
