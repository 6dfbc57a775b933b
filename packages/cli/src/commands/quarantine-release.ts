// `capstan quarantine release`: lets a task go on that stood still.
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { personOf, personOptions } from '../person.ts';
import { clean, jsonText } from '../text.ts';

export const quarantineRelease = defineCommand({
  name: 'quarantine release',
  group: 'operate',
  summary: 'Let a quarantined task go on',
  description:
    'A task whose snapshot could not be read is built anew from its log. One that stopped at an event has that event tried again, ' +
    'or left out for good with --skip; what was said to it meanwhile follows. Where that fails again it stays where it is, and the exit is 4.',
  arguments: [{ name: 'task', text: 'what `capstan quarantine ls` lists' }],
  options: {
    skip: { type: 'flag', text: 'leave out the event that it stopped at' },
    as: personOptions.as,
  },
  examples: [
    { run: 'capstan quarantine release feature-1087', what: 'after Capstan was mended: try the event again' },
    { run: 'capstan quarantine release feature-1087 --skip', what: 'go on without it' },
  ],
  run: async ({ args: { task }, options, connect, json, terminal }) => {
    const client = await connect();
    const body = { task_id: task, skip: options.skip, by: personOf(options.as) };
    const answer = await client.ask('quarantine', 'release', body, releaseMs);
    if (json) terminal.print(jsonText(answer));
    else if (typeof answer['status'] === 'string')
      terminal.print(`${clean(task)} goes on: it is ${clean(answer['status'])}.`);
    else terminal.print(`${clean(task)} goes on.`);
    return exits.ok;
  },
});

/** A large task is built anew event by event. */
const releaseMs = 60_000;
