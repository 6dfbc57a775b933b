// `capstan quarantine ls`: tasks that stand still because Capstan itself can't go on with them.
import { quarantine, type Quarantine } from '@capstan/contracts';
import { list } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { table } from '../table.ts';
import { clean, jsonText, spanOf } from '../text.ts';

export const quarantineLs = defineCommand({
  name: 'quarantine ls',
  group: 'operate',
  summary: 'List tasks that stand still because what is stored of them can not be decided on',
  description:
    'All other tasks go on. Each has a dead letter with the bytes that stopped it; `capstan replay` shows how it came there.',
  arguments: [],
  options: {},
  examples: [{ run: "capstan quarantine ls --json | jq -r '.quarantined[].task_id'", what: 'only the ids' }],
  run: async ({ connect, json, terminal }) => {
    const { items } = await list<Quarantine>(
      await connect(),
      'quarantine',
      'quarantined',
      quarantine,
      {},
      Number.POSITIVE_INFINITY,
    );
    if (json) terminal.print(jsonText({ quarantined: items }));
    else if (items.length === 0) terminal.remark('No task is quarantined.');
    else {
      const rows = items.map(({ task_id, why, seq, since, dead_letter, error }) => [
        clean(task_id),
        why === 'event' ? `event ${seq}` : 'snapshot',
        `${spanOf(Date.now() - Date.parse(since))} ago`,
        clean(dead_letter ?? ''),
        clean(error),
      ]);
      for (const line of table([['TASK', 'AT', 'SINCE', 'DEAD LETTER', 'ERROR'], ...rows], terminal.size().columns))
        terminal.print(line);
    }
    return exits.ok;
  },
});
