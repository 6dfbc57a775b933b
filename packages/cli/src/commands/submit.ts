// `capstan submit`: hands a task in through the validated door.
import { submitted } from '@capstan/contracts';
import { unreadable } from '../client.ts';
import { defineCommand } from '../command.ts';
import { CommandError, exits } from '../exit.ts';
import { follow } from '../follow.ts';
import { sayWhoIsNeeded } from '../who-is-needed.ts';
import { readJsonFile } from '../json-file.ts';
import { exitOfTask } from '../show.ts';
import { submissionOf, uploadPlan } from '../submission.ts';
import { templateOf } from '../template.ts';
import { clean, jsonText } from '../text.ts';
import { words } from '../tree/status.ts';
import { watchTask } from '../watch-task.ts';

export const submit = defineCommand({
  name: 'submit',
  group: 'tasks',
  summary: 'Submit a task: a file, a plan, a template, or a goal in words',
  description:
    'FILE is a JSON submission, or only a plan; - reads it from stdin. Options go over what the file says. A plan too large for a message is stored first and travels by reference. ' +
    'The same --task-id with the same content gives the task that is there already; with another content it is a conflict (4).',
  arguments: [{ name: 'file', text: 'a JSON file with a submission or a plan; - is stdin', optional: true }],
  options: {
    title: { type: 'text', value: 'TEXT', text: 'what it is called; enough alone, where the planner can plan from it' },
    description: { type: 'text', value: 'TEXT', text: 'more about it, for the planner and for people' },
    plan: { type: 'text', value: 'FILE', text: 'a JSON file with the plan' },
    template: { type: 'text', value: 'NAME', text: 'plan by this template' },
    param: {
      type: 'many',
      value: 'NAME=VALUE',
      text: 'a parameter of the template; the value is JSON where it reads as JSON',
    },
    'task-id': { type: 'text', value: 'ID', text: 'the id of the task (default: made up from the title)' },
    tenant: { type: 'text', value: 'TENANT', text: 'whose task it is' },
    requester: { type: 'text', value: 'NAME', text: 'who asks for it' },
    priority: {
      type: 'text',
      value: 'PRIORITY',
      text: 'how soon, beside others',
      oneOf: ['low', 'normal', 'high', 'urgent'],
    },
    mode: { type: 'text', value: 'MODE', text: 'manual: a person starts each step', oneOf: ['auto', 'manual'] },
    'on-failure': {
      type: 'text',
      value: 'WHAT',
      text: 'what a failed step does to the task',
      oneOf: ['stop', 'continue', 'pause', 'compensate'],
    },
    deadline: { type: 'text', value: 'TIME', text: 'when it must have ended, such as 2026-12-01T00:00:00Z' },
    constraint: { type: 'many', value: 'TEXT', text: 'a rule for the planner' },
    criterion: { type: 'many', value: 'TEXT', text: 'what must be true in the end' },
    'callback-url': { type: 'text', value: 'URL', text: 'told when it ends' },
    'no-start': { type: 'flag', text: 'plan it and wait for `capstan start`' },
    strict: { type: 'flag', text: 'refuse it where no agent offers what a step needs' },
    wait: { type: 'flag', text: 'wait until it ends; the exit code tells how' },
    watch: { type: 'flag', text: 'wait, and show it live' },
    timeout: { type: 'duration', text: 'with --wait or --watch: give up waiting after this long, with exit code 6' },
  },
  examples: [
    {
      run: 'capstan submit plan.json --title "Nightly checks" --watch',
      what: 'a plan from a file, watched until it ends',
    },
    { run: 'capstan submit --template deploy-feature --param pr=123', what: 'a template with parameters' },
    {
      run: `echo '{"steps":[{"id":"hello","capability":"echo","input":{"text":"hi"}}]}' | capstan submit - --wait`,
      what: 'from stdin, waiting for the end',
    },
    {
      run: 'capstan submit task.json --task-id nightly-2026-11-20 --json',
      what: 'safe to say twice: the id makes it one task',
    },
  ],
  run: async ({ args, options, connect, json, terminal }) => {
    const whole = submissionOf(args.file === undefined ? {} : await readJsonFile(args.file), {
      title: options.title,
      description: options.description,
      plan: options.plan === undefined ? undefined : await readJsonFile(options.plan),
      template: templateOf(options.template, options.param),
      task_id: options['task-id'],
      tenant: options.tenant,
      requester: options.requester,
      priority: options.priority,
      mode: options.mode,
      on_failure: options['on-failure'],
      deadline: options.deadline,
      constraints: options.constraint.length > 0 ? options.constraint : undefined,
      acceptance_criteria: options.criterion.length > 0 ? options.criterion : undefined,
      callback_url: options['callback-url'],
      start: options['no-start'] ? false : undefined,
      strict: options.strict ? true : undefined,
    });
    const client = await connect();
    const taskId = String(whole['task_id']);
    const answer = submitted.safeParse(
      await client.ask('task', 'submit', await uploadPlan(client, whole)).catch(sayAgain(taskId)),
    );
    if (!answer.success) throw unreadable('task.submit');
    const { task_id, status, created, warnings } = answer.data;
    const waits = options.wait || options.watch;
    if (json && !waits) terminal.print(jsonText(answer.data));
    if (!json) {
      terminal.print(
        created
          ? `Submitted ${clean(task_id)}.`
          : `${clean(task_id)} was submitted before; it is ${words(clean(status))}.`,
      );
      for (const warning of warnings) terminal.remark(`${terminal.remarkStyle.yellow('warning:')} ${clean(warning)}`);
      if (!waits) terminal.remark(`\`capstan watch ${clean(task_id)}\` shows how it goes.`);
    }
    const following = { json, timeoutMs: options.timeout, known: true };
    if (options.watch) return watchTask(client, terminal, task_id, following);
    if (!options.wait) return exits.ok;
    const ended = await follow(client, task_id, {
      ...following,
      onTask: sayWhoIsNeeded(terminal),
      onTrouble: () => {},
    });
    if (json) terminal.print(jsonText(ended));
    else terminal.print(`${clean(task_id)} ${words(ended.status)}${ended.reason ? `: ${clean(ended.reason)}` : '.'}`);
    return exitOfTask(ended);
  },
});

/** An answer that got lost leaves open whether it was stored; the id makes saying it again harmless. */
const sayAgain = (taskId: string) => (error: unknown) => {
  if (!(error instanceof CommandError) || error.exit !== exits.unavailable) throw error;
  const hint =
    `${error.detail.hint ?? ''} It may have been stored all the same: say it again with --task-id ${taskId}, which makes no second task.`.trim();
  throw new CommandError(error.exit, error.message, { ...error.detail, hint }, { cause: error });
};
