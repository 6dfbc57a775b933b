// `capstan dlq show`: one dead letter with what was sent.
import { getDeadLetter } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { clean, jsonText, padded } from '../text.ts';

/** A body may be half a megabyte. */
const bodyShown = 4_000;

export const dlqShow = defineCommand({
  name: 'dlq show',
  group: 'operate',
  summary: 'Show one dead letter, with what was sent and what to do about it',
  arguments: [{ name: 'id', text: 'what `capstan dlq ls` lists' }],
  options: {},
  examples: [
    { run: 'capstan dlq show d7f3a', what: 'reason, where it came from, a hint, and the message itself' },
    { run: 'capstan dlq show d7f3a --json | jq -r .body', what: 'only the message, as it was sent' },
  ],
  run: async ({ args, connect, json, terminal }) => {
    const letter = await getDeadLetter(await connect(), args.id);
    if (json) {
      terminal.print(jsonText(letter, 2));
      return exits.ok;
    }
    const facts: Record<string, unknown> = {
      id: letter.id,
      state: letter.state,
      reason: letter.reason,
      error: letter.error,
      hint: letter.hint,
      source: letter.source,
      at: letter.at,
      attempts: letter.attempts,
      subject: letter.subject,
      stream: letter.stream === null ? null : `${letter.stream} ${letter.stream_seq ?? ''}`.trim(),
      task: letter.task_id,
      step: letter.step_id,
      sha256: letter.sha256,
      size: letter.size,
    };
    for (const [name, value] of Object.entries(facts)) {
      if (value !== null && value !== undefined && value !== '')
        terminal.print(`${terminal.style.dim(padded(name, 9))} ${clean(value)}`);
    }
    if (letter.body === undefined) return exits.ok;
    terminal.print('');
    for (const line of letter.body.slice(0, bodyShown).split('\n')) terminal.print(clean(line));
    if (letter.body.length > bodyShown)
      terminal.print(`… ${letter.body.length - bodyShown} more characters; --json has all.`);
    return exits.ok;
  },
});
