// What `npm run bench` may be told, and how it explains itself.
import { parseArgs } from 'node:util';
import type { Door } from './client.ts';

export interface BenchOptions {
  readonly only: readonly string[];
  readonly rounds: number;
  readonly strict: boolean;
  readonly coordinators: number;
  readonly executors: number;
  readonly concurrency: number;
  readonly door: Door;
  /** Tasks, where their number is what is measured. */
  readonly open: number;
  readonly most: number;
  readonly data: string | undefined;
  readonly keep: boolean;
  readonly profile: readonly string[];
}

export interface Named {
  readonly name: string;
  readonly says: string;
  /** Run where nothing is chosen. */
  readonly usual: boolean;
}

export const help = (benches: readonly Named[]): string => `npm run bench -- [options]

Runs a real nats-server, real coordinators and real executors as processes, submits ready plans of \`noop\` steps as a plain NATS
client does, and prints one line of JSON for each measurement: throughput, latency, processor time and memory by process, and
what was stored. Without options: ${usualOf(benches).join(', ')}, one round, the server's usual sync.

  --only NAME,…
${benches.map(({ name, says }) => `      ${name.padEnd(12)} ${says}`).join('\n')}
  --rounds N         so many times, each on a fresh installation
  --strict           the server syncs to disk before it acknowledges (sync_interval: always)
  --coordinators N   1 unless said
  --executors N      1 unless said
  --concurrency N    orders that one executor works on at once; 100 unless said
  --door NAME        validated (request and reply, the default) or durable (the stream)
  --open N           tasks for OPEN, RECOVERY and LONG; 100000 unless said
  --most N           at most N tasks a phase and N steps a task: to see that it works, not how fast
  --data DIR         where the streams lie; a disk of its own tells more than a temporary folder
  --keep             keeps each installation's folder, with the logs of its processes, and says where it is
  --profile NAME,…   what took most time in these processes: coordinator, executor, client; their figures are no good then

Examples:
  npm run bench -- --only W1 --rounds 3
  npm run bench -- --only W4 --strict
  npm run bench -- --only W3 --profile coordinator
`;

const usualOf = (benches: readonly Named[]) => benches.filter(({ usual }) => usual).map(({ name }) => name);

export class OptionMistake extends Error {}

export const readOptions = (args: readonly string[], benches: readonly Named[]): BenchOptions | 'help' => {
  const { values } = parsed(args);
  if (values.help) return 'help';
  const names = benches.map(({ name }) => name);
  const only = values.only?.split(',') ?? usualOf(benches);
  for (const name of only)
    if (!names.includes(name))
      throw new OptionMistake(`--only ${name}: there is no such bench; there are ${names.join(', ')}.`);
  const { door } = values;
  if (door !== 'validated' && door !== 'durable')
    throw new OptionMistake(`--door ${door}: must be validated or durable.`);
  return {
    only,
    rounds: numberIn('rounds', values.rounds),
    strict: values.strict,
    coordinators: numberIn('coordinators', values.coordinators),
    executors: numberIn('executors', values.executors),
    concurrency: numberIn('concurrency', values.concurrency),
    door,
    open: numberIn('open', values.open),
    most: values.most === undefined ? Number.POSITIVE_INFINITY : numberIn('most', values.most),
    data: values.data,
    keep: values.keep,
    profile: values.profile?.split(',') ?? [],
  };
};

const parsed = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', default: false },
        only: { type: 'string' },
        rounds: { type: 'string', default: '1' },
        strict: { type: 'boolean', default: false },
        coordinators: { type: 'string', default: '1' },
        executors: { type: 'string', default: '1' },
        concurrency: { type: 'string', default: '100' },
        door: { type: 'string', default: 'validated' },
        open: { type: 'string', default: '100000' },
        most: { type: 'string' },
        data: { type: 'string' },
        keep: { type: 'boolean', default: false },
        profile: { type: 'string' },
      },
    });
  } catch (error) {
    throw new OptionMistake((error as Error).message);
  }
};

const numberIn = (name: string, text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new OptionMistake(`--${name} ${text}: must be a whole number from 1 on.`);
  return value;
};
