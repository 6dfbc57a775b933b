// `capstan answer`: answers a question that an agent asked.
import type { Intervention, Json } from '@capstan/contracts';
import { defineCommand } from '../command.ts';
import { decide, deciderOptions } from '../decide.ts';

export const answer = defineCommand({
  name: 'answer',
  group: 'people',
  summary: 'Answer a question that an agent asked',
  description:
    'VALUE is taken as JSON where it reads as JSON, and as text otherwise; a question that asks for text always gets text.',
  arguments: [
    { name: 'id', text: 'what `capstan inbox` lists, or a task in which only one thing waits' },
    { name: 'value', text: 'the answer' },
  ],
  options: deciderOptions,
  examples: [
    { run: 'capstan answer feature-1087 main', what: 'a text' },
    { run: `capstan answer feature-1087 '{"branch":"main","squash":true}'`, what: 'an object' },
  ],
  run: async (call) =>
    decide(call, {
      ...call.options,
      verb: 'answer',
      word: call.args.id,
      value: (asked) => valueOf(call.args.value, asked),
    }),
});

const valueOf = (text: string, { schema }: Intervention): Json => {
  if (typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'string') return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
};
