// `capstan reject`: says no to what waits for approval.
import { defineCommand } from '../command.ts';
import { decide, deciderOptions } from '../decide.ts';

export const reject = defineCommand({
  name: 'reject',
  group: 'people',
  summary: 'Reject what waits for approval',
  description: 'The step ends as failed. Exit code 4 means that it was decided before, or has expired.',
  arguments: [{ name: 'id', text: 'what `capstan inbox` lists, or a task in which only one thing waits' }],
  options: deciderOptions,
  examples: [
    { run: 'capstan reject feature-1087 --reason "not before Monday"', what: 'the reason is kept with the task' },
  ],
  run: async (call) => decide(call, { ...call.options, verb: 'reject', word: call.args.id }),
});
