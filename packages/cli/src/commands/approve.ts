// `capstan approve`: says yes to what waits for it.
import { defineCommand } from '../command.ts';
import { decide, deciderOptions } from '../decide.ts';

export const approve = defineCommand({
  name: 'approve',
  group: 'people',
  summary: 'Approve what waits for approval',
  description: 'Exit code 4 means that it was decided before, or has expired.',
  arguments: [{ name: 'id', text: 'what `capstan inbox` lists, or a task in which only one thing waits' }],
  options: deciderOptions,
  examples: [
    {
      run: 'capstan approve feature-1087 --reason "looked at the diff"',
      what: 'the one approval that this task waits for',
    },
    { run: 'capstan approve i3f0c9a77d21b4e5a1c9 --as ada --role tech_lead', what: 'by its id, in a name and a role' },
  ],
  run: async (call) => decide(call, { ...call.options, verb: 'approve', word: call.args.id }),
});
