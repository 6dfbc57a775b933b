// `capstan circuits`: the queues and tools of which somebody said that they fail.
import { z } from 'zod';
import { list } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { personOf, personOptions } from '../person.ts';
import { table } from '../table.ts';
import { clean, jsonText } from '../text.ts';

const shown = z.looseObject({
  id: z.string(),
  of: z.string(),
  name: z.string(),
  circuit: z.string(),
  failures: z.int(),
  opens_at: z.int(),
  retry_at: z.string().nullable(),
  last_failure: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
});

export const circuits = defineCommand({
  name: 'circuits',
  group: 'operate',
  summary: 'List the circuits of queues and tools: closed, open or half open',
  description:
    'A circuit opens after so many failures in a row that speak of the agent (a time-out, a crash). Until it is tried again nothing more is handed out.',
  arguments: [],
  options: {
    circuit: { type: 'text', value: 'STATE', text: 'only those', oneOf: ['closed', 'open', 'half_open'] },
    reset: { type: 'text', value: 'ID', text: 'close this one by hand instead' },
    as: personOptions.as,
  },
  examples: [
    { run: 'capstan circuits --circuit open', what: 'what is out of order just now' },
    { run: 'capstan circuits --reset _breaker-queue-executor', what: 'its cause is mended: do not wait for the trial' },
  ],
  run: async ({ options, connect, json, terminal }) => {
    const client = await connect();
    if (options.reset !== undefined) {
      const answer = await client.ask('circuit', 'reset', { id: options.reset, by: personOf(options.as) });
      if (json) terminal.print(jsonText(answer));
      else terminal.print(`${clean(options.reset)} is closed.`);
      return exits.ok;
    }
    const filter = options.circuit === undefined ? {} : { circuit: options.circuit };
    const { items } = await list(client, 'circuit', 'circuits', shown, filter, Number.POSITIVE_INFINITY);
    if (json) terminal.print(jsonText({ circuits: items }));
    else if (items.length === 0) terminal.remark('None: nobody has said that a queue or a tool fails.');
    else {
      const rows = items.map((one) => [
        clean(one.id),
        clean(one.circuit),
        `${one.failures}/${one.opens_at}`,
        clean(one.retry_at ?? '-'),
        clean(one.last_failure === null ? '-' : `${one.last_failure.code}: ${one.last_failure.message}`),
      ]);
      for (const line of table(
        [['ID', 'CIRCUIT', 'FAILURES', 'TRIED AGAIN', 'LAST FAILURE'], ...rows],
        terminal.size().columns,
      ))
        terminal.print(line);
    }
    return exits.ok;
  },
});
