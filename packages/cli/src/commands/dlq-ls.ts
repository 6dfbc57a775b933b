// `capstan dlq ls`: what could not be handled.
import { listDeadLetters } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { filterOptions } from '../dead-letters.ts';
import { exits } from '../exit.ts';
import { clean, jsonText, spanOf } from '../text.ts';
import { table } from '../table.ts';

export const dlqLs = defineCommand({
  name: 'dlq ls',
  group: 'operate',
  summary: 'List dead letters: what could not be handled, and why',
  arguments: [],
  options: {
    ...filterOptions,
    state: {
      type: 'text',
      value: 'STATE',
      text: 'those in this state',
      default: 'open',
      oneOf: ['open', 'redriven', 'dropped', 'all'],
    },
    limit: { type: 'whole', value: 'N', text: 'at most so many', default: 50, min: 1, max: 100_000 },
  },
  examples: [
    { run: 'capstan dlq ls', what: 'everything that nobody has dealt with yet' },
    {
      run: 'capstan dlq ls --reason retries_exhausted --task feature-1087',
      what: 'steps of one task that used up their attempts',
    },
  ],
  run: async ({ options: { limit, task, ...filter }, connect, json, terminal }) => {
    const { items, more } = await listDeadLetters(
      await connect(),
      { ...filter, ...(task !== undefined && { task_id: task }) },
      limit,
    );
    if (json) terminal.print(jsonText({ dead_letters: items, more }));
    else if (items.length === 0) terminal.remark('None.');
    else {
      const rows = items.map((one) => [
        clean(one.id),
        clean(one.reason),
        clean(one.source),
        `${spanOf(Date.now() - Date.parse(one.at))} ago`,
        one.task_id ? clean(`${one.task_id}${one.step_id ? `/${one.step_id}` : ''}`) : '-',
        clean(one.error),
      ]);
      for (const line of table(
        [['ID', 'REASON', 'SOURCE', 'AT', 'TASK/STEP', 'ERROR'], ...rows],
        terminal.size().columns,
      ))
        terminal.print(line);
      if (more) terminal.remark(`More than ${limit}: give --limit or a filter.`);
    }
    return exits.ok;
  },
});
