// `capstan findings`: what verifications of a task found, and what of it is dealt with.
import { finding } from '@capstan/contracts';
import { z } from 'zod';
import { list } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { CommandError, exits } from '../exit.ts';
import { personOf, personOptions } from '../person.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { clean, jsonText, padded } from '../text.ts';

const shown = finding.extend({
  id: z.string(),
  step_id: z.string(),
  times: z.int(),
  attempt: z.int(),
  at: z.string(),
  resolved: z.looseObject({ by: z.string(), reason: z.string().nullish() }).nullable(),
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
    show: { type: 'text', value: 'ID', text: 'this one, whole' },
    resolve: { type: 'text', value: 'ID', text: 'this one is dealt with' },
    ...personOptions,
  },
  examples: [
    { run: 'capstan findings feature-1087 --open', what: 'what is left to do' },
    { run: 'capstan findings feature-1087 --show f3a9', what: 'all that is known of one' },
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
    if (options.show !== undefined) {
      const one = items.find(({ id }) => id === options.show);
      if (!one)
        throw new CommandError(exits.notFound, `${clean(args.task)} has no finding "${clean(options.show)}".`, {
          code: 'not_found',
          hint: `\`capstan findings ${clean(args.task)}\` lists those there are.`,
        });
      if (json) terminal.print(jsonText(one, 2));
      else describe(terminal, one);
      return exits.ok;
    }
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

const describe = (terminal: Terminal, one: z.output<typeof shown>): void => {
  const { resolved } = one;
  const facts = [
    ['finding', one.id],
    ['what', `${one.severity}, ${one.category}${one.rule === undefined ? '' : `, ${one.rule}`}`],
    ['where', one.location ?? '-'],
    [
      'found',
      `by attempt ${one.attempt} of ${one.step_id} at ${one.at}${one.times > 1 ? `, ${one.times} times in all` : ''}`,
    ],
    ['dealt with', resolved === null ? 'not yet' : `by ${resolved.by}${resolved.reason ? `: ${resolved.reason}` : ''}`],
  ] as const;
  for (const [name, value] of facts) terminal.print(`${terminal.style.dim(padded(name, 10))} ${clean(value)}`);
  terminal.print('');
  for (const line of one.message.split('\n')) terminal.print(clean(line));
};
