// `capstan dlq drop`: marks dead letters as dealt with.
import { defineCommand } from '../command.ts';
import { actOnDeadLetters, actOptions } from '../dead-letters.ts';

export const dlqDrop = defineCommand({
  name: 'dlq drop',
  group: 'operate',
  summary: 'Mark dead letters as dealt with, without sending them again',
  description: 'The bytes stay in the stream until age removes them; they are no longer listed as open.',
  arguments: [{ name: 'id', text: 'what `capstan dlq ls` lists', optional: true }],
  options: actOptions,
  examples: [
    { run: 'capstan dlq drop d7f3a', what: 'one of them' },
    { run: 'capstan dlq drop --reason malformed --dry-run', what: 'see which ones it would be' },
  ],
  run: async (call) => actOnDeadLetters(call, { verb: 'drop', id: call.args.id, options: call.options }),
});
