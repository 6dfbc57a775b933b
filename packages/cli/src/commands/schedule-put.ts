// `capstan schedule put`: submits a task again and again, or once, at a time.
import { defineCommand } from '../command.ts';
import { exits, mistake } from '../exit.ts';
import { readJsonFile } from '../json-file.ts';
import { personOf, personOptions } from '../person.ts';
import { submissionOf } from '../submission.ts';
import { templateOf } from '../template.ts';
import { clean, jsonText } from '../text.ts';

export const schedulePut = defineCommand({
  name: 'schedule put',
  group: 'tasks',
  summary: 'Make a schedule, or change it: a task by a cron expression, or at a time',
  description:
    'FILE is a JSON submission, or only a plan, as `capstan submit` takes it; its id is made of the name and the time that is due, so a due time makes one task. ' +
    'The same name again changes the schedule; it counts from then on.',
  arguments: [
    { name: 'name', text: 'what the schedule is called' },
    { name: 'file', text: 'a JSON file with a submission or a plan; - is stdin', optional: true },
  ],
  options: {
    cron: { type: 'text', value: 'EXPRESSION', text: 'when: "0 3 * * 1-5", or six parts with seconds first' },
    at: { type: 'text', value: 'TIME', text: 'when: once, such as 2026-12-01T09:00:00Z' },
    'time-zone': { type: 'text', value: 'ZONE', text: 'of the expression, such as Europe/Berlin (default UTC)' },
    template: { type: 'text', value: 'NAME', text: 'plan by this template' },
    param: { type: 'many', value: 'NAME=VALUE', text: 'a parameter of the template' },
    title: { type: 'text', value: 'TEXT', text: 'what each task is called' },
    tenant: { type: 'text', value: 'TENANT', text: 'whose task it is' },
    overlap: {
      type: 'text',
      value: 'POLICY',
      text: 'while one of its tasks has not ended (default skip)',
      oneOf: ['skip', 'queue', 'cancel_other', 'allow'],
    },
    'catch-up': {
      type: 'text',
      value: 'POLICY',
      text: 'which of the times that were missed are made good (default latest)',
      oneOf: ['none', 'latest', 'all'],
    },
    paused: { type: 'flag', text: 'keep it, and let nothing be due' },
    as: personOptions.as,
  },
  examples: [
    {
      run: 'capstan schedule put nightly checks.json --cron "0 3 * * *" --time-zone Europe/Berlin',
      what: 'every night at three, by the clock in Berlin',
    },
    { run: 'capstan schedule put launch --template hello --at 2030-01-01T09:00:00Z', what: 'once' },
  ],
  run: async ({ args, options, connect, json, terminal }) => {
    if ((options.cron === undefined) === (options.at === undefined))
      throw mistake('Say when: either --cron or --at.', 'For example --cron "0 3 * * *".');
    const { task_id: _, ...task } = submissionOf(args.file === undefined ? {} : await readJsonFile(args.file), {
      template: templateOf(options.template, options.param),
      title: options.title,
      tenant: options.tenant,
    });
    const answer = await (await connect()).ask('schedule', 'put', {
      name: args.name,
      cron: options.cron,
      at: options.at,
      time_zone: options['time-zone'],
      task,
      overlap: options.overlap,
      catch_up: options['catch-up'],
      paused: options.paused ? true : undefined,
      by: personOf(options.as),
    });
    const next = answer['next_at'];
    if (json) terminal.print(jsonText(answer));
    else
      terminal.print(
        typeof next === 'string'
          ? `${clean(args.name)} is due next at ${clean(next)}.`
          : `${clean(args.name)} is kept; nothing is due.`,
      );
    return exits.ok;
  },
});
