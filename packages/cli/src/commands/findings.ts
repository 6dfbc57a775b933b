// `capstan findings`: what verifications of a task found, and what of it is dealt with.
import { finding } from '@capstan/contracts';
import { z } from 'zod';
import { list } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { personOf, personOptions } from '../person.ts';
import { table } from '../table.ts';
import { clean, jsonText } from '../text.ts';

const shown = finding.extend({
  id: z.string(),
  step_id: z.string(),
  times: z.int(),
  resolved: z.looseObject({ by: z.string() }).nullable(),
});

export const findings = defineCommand({
  name: 'findings',
  group: 'tasks',
  summary: 'List what verifications of a task found, or say that one is dealt with',
  description: 'What is dealt with no longer counts for thresholds where it is found again.',
  arguments: [{ name: 'task', text: 'the id of the task' }],
  options: {
    severity: { type: 'text', value: 'SEVERITY', text: 'only these', oneOf: ['major', 'medium', 'minor'] },
    open: { type: 'flag', text: 'only those that nobody has dealt with' },
    resolve: { type: 'text', value: 'ID', text: 'this one is dealt with' },
    ...personOptions,
  },
  examples: [
    { run: 'capstan findings feature-1087 --open', what: 'what is left to do' },
    { run: 'capstan findings feature-1087 --resolve f3a9 --reason "mended in 1088"', what: 'once, with who and why' },
  ],
  run: async ({ args, options, connect, json, terminal }) => {
    const client = await connect();
    const task = { task_id: args.task };
    if (options.resolve !== undefined) {
      const said = { ...task, id: options.resolve, by: personOf(options.as) };
      const reason = options.reason === undefined ? {} : { reason: options.reason };
      const answer = await client.ask('finding', 'resolve', { ...said, ...reason });
      if (json) terminal.print(jsonText(answer));
      else terminal.print(`${clean(options.resolve)} is dealt with.`);
      return exits.ok;
    }
    const severity = options.severity === undefined ? {} : { severity: options.severity };
    const filter = { ...task, ...severity, ...(options.open && { resolved: false }) };
    const { items } = await list(client, 'finding', 'findings', shown, filter, Number.POSITIVE_INFINITY);
    if (json) terminal.print(jsonText({ findings: items }));
    else if (items.length === 0) terminal.remark('None.');
    else {
      const rows = items.map((one) => [
        clean(one.id),
        one.severity,
        clean(one.category),
        clean(one.location ?? one.step_id),
        one.resolved === null ? '-' : clean(one.resolved.by),
        clean(one.message),
      ]);
      for (const line of table(
        [['ID', 'SEVERITY', 'CATEGORY', 'WHERE', 'RESOLVED BY', 'WHAT'], ...rows],
        terminal.size().columns,
      ))
        terminal.print(line);
    }
    return exits.ok;
  },
});
