// `capstan recover`: the tasks that do not go on by themselves; with an id, lets one of them go on.
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { personOf, personOptions } from '../person.ts';
import { table } from '../table.ts';
import { clean, jsonText } from '../text.ts';
import { words } from '../tree/status.ts';

interface Recoverable {
  readonly task_id: string;
  readonly status: string;
  readonly how: string | null;
  readonly needs: string;
  readonly succeeded: number;
  readonly steps: number;
}

export const recover = defineCommand({
  name: 'recover',
  group: 'tasks',
  summary: 'List the tasks that do not go on by themselves, or let one go on',
  description:
    'After a crash tasks go on unasked; these are the ones that failed, were stopped, or wait. What succeeded is not done again.',
  arguments: [{ name: 'task', text: 'the id of a task that is to go on', optional: true }],
  options: {
    tenant: { type: 'text', value: 'TENANT', text: 'only tasks of this tenant' },
    limit: { type: 'whole', value: 'N', text: 'at most so many', default: 50, min: 1, max: 1_000 },
    ...personOptions,
  },
  examples: [
    { run: 'capstan recover', what: 'which tasks there are, and what each needs' },
    { run: 'capstan recover feature-1087', what: 'retries, resumes or starts it, as it needs' },
  ],
  run: async ({ args, options, connect, json, terminal }) => {
    const client = await connect();
    if (args.task !== undefined) {
      const { as, reason } = options;
      const answer = await client.ask('task', 'recover', {
        task_id: args.task,
        by: personOf(as),
        ...(reason !== undefined && { reason }),
      });
      if (json) terminal.print(jsonText(answer));
      else
        terminal.print(
          `${clean(args.task)} goes on (${clean(String(answer['how']))}): ${words(clean(String(answer['status'])))}. ${String(answer['kept'])} steps that succeeded stay as they are.`,
        );
      return exits.ok;
    }
    const { limit, tenant } = options;
    const answer = await client.ask('task', 'recoverable', { limit, ...(tenant !== undefined && { tenant }) });
    const found = (answer['tasks'] ?? []) as readonly Recoverable[];
    if (json) terminal.print(jsonText({ tasks: found, total: answer['total'] }));
    else if (found.length === 0) terminal.remark('Nothing to recover: every task goes on by itself, or succeeded.');
    else {
      const rows = found.map((task) => [
        clean(task.task_id),
        words(clean(task.status)),
        `${task.succeeded}/${task.steps}`,
        clean(task.how === null ? task.needs : `capstan recover ${task.task_id}: ${task.needs}`),
      ]);
      for (const line of table([['TASK', 'STATUS', 'DONE', 'TO GO ON'], ...rows], terminal.size().columns))
        terminal.print(line);
    }
    return exits.ok;
  },
});
