// What `npm run sim` may be told, and how it explains itself.
import { parseArgs } from 'node:util';

export const help = `npm run sim -- [options]

Runs the real engine and the real coordinators over an in-memory bus in virtual time, with crashes, lost answers and duplicates, on all cores,
and checks the laws after each seed. Without options: seeds 1 to 200.

  --seeds N       so many, from 1 on, or from --from N
  --minutes N     as many as fit
  --events N      until so many events were decided
  --threads N     as many as there are cores unless said
  --quiet         no progress, and no trace
  --seed N        one again, with its trace
  --bug NAME      with a planted fault, until it is found
  --bugs          with each planted fault in turn, or with those that --only NAME,… names
      --known     tries the seeds of test/simulator/found-by.json first
      --write     keeps there what it finds
  --table         prints the table of docs/simulator.md

The exit code is 0 where no law was broken, 1 where one was, 2 for a mistake in the options.

Examples:
  npm run sim -- --minutes 60
  npm run sim -- --seed 309
  npm run sim -- --bug held-orders-unsaid-in-snapshots
`;

export class OptionMistake extends Error {}

export const readOptions = (args: readonly string[]) => {
  const values = parsed(args);
  return {
    ...values,
    seed: number('seed', values.seed),
    seeds: number('seeds', values.seeds),
    from: number('from', values.from) ?? 1,
    minutes: number('minutes', values.minutes),
    events: number('events', values.events),
    threads: number('threads', values.threads),
    only: values.only?.split(','),
  };
};

const parsed = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', default: false },
        seed: { type: 'string' },
        seeds: { type: 'string' },
        from: { type: 'string' },
        minutes: { type: 'string' },
        events: { type: 'string' },
        threads: { type: 'string' },
        quiet: { type: 'boolean', default: false },
        bug: { type: 'string' },
        bugs: { type: 'boolean', default: false },
        only: { type: 'string' },
        known: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        table: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new OptionMistake((error as Error).message);
  }
};

const number = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new OptionMistake(`--${name} ${text}: must be a number above 0.`);
};
