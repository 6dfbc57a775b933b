// `capstan schedule ls`: the schedules there are, and what came of the last times.
import { z } from 'zod';
import { list } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { table } from '../table.ts';
import { clean, jsonText } from '../text.ts';

const shown = z.looseObject({
  name: z.string(),
  cron: z.string().optional(),
  at: z.string().optional(),
  time_zone: z.string().optional(),
  next_at: z.string().nullable(),
  running: z.array(z.string()),
  recent: z.array(z.looseObject({ due: z.string(), outcome: z.string(), reason: z.string().nullable() })),
});

export const scheduleLs = defineCommand({
  name: 'schedule ls',
  group: 'tasks',
  summary: 'List schedules: when each is due next, and what came of the last time',
  arguments: [],
  options: {
    name: { type: 'text', value: 'NAME', text: 'only this one' },
    limit: { type: 'whole', value: 'N', text: 'at most so many', default: 100, min: 1, max: 100_000 },
  },
  examples: [
    { run: 'capstan schedule ls', what: 'all of them' },
    { run: 'capstan schedule ls --name nightly --json', what: 'one, with everything that is known of it' },
  ],
  run: async ({ options: { limit, ...filter }, connect, json, terminal }) => {
    const { items, more } = await list(await connect(), 'schedule', 'schedules', shown, filter, limit);
    if (json) terminal.print(jsonText({ schedules: items, more }));
    else if (items.length === 0) terminal.remark('None. `capstan schedule put --help` says how to make one.');
    else {
      const rows = items.map((one) => {
        const last = one.recent.at(-1);
        return [
          clean(one.name),
          clean(one.cron === undefined ? `at ${one.at}` : `${one.cron} ${one.time_zone ?? 'UTC'}`),
          clean(one.next_at ?? '-'),
          String(one.running.length),
          last === undefined ? '-' : clean(`${last.outcome} ${last.due}${last.reason ? `: ${last.reason}` : ''}`),
        ];
      });
      for (const line of table([['NAME', 'WHEN', 'NEXT', 'RUNNING', 'LAST'], ...rows], terminal.size().columns))
        terminal.print(line);
    }
    return exits.ok;
  },
});
