// `npm run bench`: measures the whole system, one line of JSON for each measurement. `--help` tells what there is.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { newContext } from './bench.ts';
import { benches } from './benches.ts';
import { type BenchOptions, help, OptionMistake, readOptions } from './options.ts';

const run = async (options: BenchOptions): Promise<void> => {
  const binary = findServer();
  for (let round = 1; round <= options.rounds; round += 1)
    for (const bench of benches.filter(({ name }) => options.only.includes(name)))
      await bench.run(newContext(options, binary, round, (line) => process.stdout.write(`${line}\n`)));
};

/** Found or fetched, as for `capstan up`. */
const findServer = (): string => {
  const tool = join(import.meta.dirname, '../tools/nats-server.mjs');
  const { stdout, status } = spawnSync(process.execPath, [tool], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error('There is no nats-server to measure; what to do is said above.');
  return stdout.trim();
};

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
try {
  const options = readOptions(process.argv.slice(2), benches);
  if (options === 'help') process.stdout.write(help(benches));
  else await run(options);
} catch (error) {
  if (!(error instanceof OptionMistake)) throw error;
  process.stderr.write(`bench: ${error.message} --help tells more.\n`);
  process.exitCode = 2;
}
