// `capstan templates`: what the planner can plan from, and what each takes.
import { z } from 'zod';
import { unreadable } from '../client.ts';
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { table } from '../table.ts';
import { templateOf } from '../template.ts';
import { clean, jsonText } from '../text.ts';

const listed = z.looseObject({
  templates: z.array(
    z.looseObject({ name: z.string(), description: z.string(), params: z.record(z.string(), z.unknown()) }),
  ),
});

export const templates = defineCommand({
  name: 'templates',
  group: 'tasks',
  summary: 'List the templates that tasks can be planned from, show one, or fill one in',
  arguments: [{ name: 'name', text: 'the template to show', optional: true }],
  options: {
    render: { type: 'flag', text: 'fill it in, and print the plan that it makes' },
    param: { type: 'many', value: 'NAME=VALUE', text: 'a parameter, with --render' },
  },
  examples: [
    { run: 'capstan templates', what: 'what there is, with the names of parameters' },
    { run: 'capstan templates deploy-feature --render --param pr=123', what: 'the plan, before anything runs' },
  ],
  run: async ({ args, options, connect, json, terminal }) => {
    const client = await connect();
    if (args.name !== undefined) {
      const answer = options.render
        ? await client.ask('template', 'render', { ...templateOf(args.name, options.param) })
        : await client.ask('template', 'get', { name: args.name });
      terminal.print(jsonText(options.render ? (answer['plan'] as object) : answer, 2));
      return exits.ok;
    }
    const answer = listed.safeParse(await client.ask('template', 'list', {}));
    if (!answer.success) throw unreadable('template.list');
    if (json) terminal.print(jsonText(answer.data));
    else {
      const rows = answer.data.templates.map(({ name, params, description }) => [
        clean(name),
        clean(Object.keys(params).join(' ') || '-'),
        clean(description),
      ]);
      for (const line of table([['NAME', 'PARAMETERS', 'WHAT'], ...rows], terminal.size().columns))
        terminal.print(line);
    }
    return exits.ok;
  },
});
