// `capstan schedule rm`: nothing of it is due any more.
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { personOf, personOptions } from '../person.ts';
import { clean, jsonText } from '../text.ts';

export const scheduleRm = defineCommand({
  name: 'schedule rm',
  group: 'tasks',
  summary: 'Delete a schedule; tasks that it made go on',
  arguments: [{ name: 'name', text: 'what `capstan schedule ls` lists' }],
  options: { as: personOptions.as },
  examples: [{ run: 'capstan schedule rm nightly', what: 'nothing of it is due any more' }],
  run: async ({ args, options, connect, json, terminal }) => {
    const answer = await (await connect()).ask('schedule', 'delete', { name: args.name, by: personOf(options.as) });
    if (json) terminal.print(jsonText(answer));
    else terminal.print(`${clean(args.name)} is deleted.`);
    return exits.ok;
  },
});
