// `capstan dlq redrive`: sends dead letters again, once each.
import { defineCommand } from '../command.ts';
import { actOnDeadLetters, actOptions } from '../dead-letters.ts';

export const dlqRedrive = defineCommand({
  name: 'dlq redrive',
  group: 'operate',
  summary: 'Send dead letters again, once each however often it is asked for',
  description:
    'A message goes to where it was sent first; a step that ended there gets a fresh attempt, and its task goes on.',
  arguments: [{ name: 'id', text: 'what `capstan dlq ls` lists', optional: true }],
  options: actOptions,
  examples: [
    { run: 'capstan dlq redrive d7f3a', what: 'one of them' },
    {
      run: 'capstan dlq redrive --reason retries_exhausted --since 2026-11-20 --dry-run',
      what: 'see which ones it would be',
    },
  ],
  run: async (call) => actOnDeadLetters(call, { verb: 'redrive', id: call.args.id, options: call.options }),
});
