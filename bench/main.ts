// `npm run bench`: measures the whole system, one line of JSON for each phase. `--help` tells what there is.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { measure, runTasks } from './measure.ts';
import { type BenchOptions, help, OptionMistake, readOptions } from './options.ts';
import { startProfiling } from './profile.ts';
import { startSystem } from './system.ts';
import { cut, workloads } from './workloads.ts';

const names = Object.keys(workloads);
const profiles = join(import.meta.dirname, '../.cache/profiles');

const run = async (options: BenchOptions): Promise<void> => {
  const binary = findServer();
  for (let round = 1; round <= options.rounds; round += 1)
    for (const name of options.only) {
      await using system = await startSystem({ ...options, binary, inspect: options.profile.length > 0 });
      for (const whole of workloads[name] ?? []) {
        const phase = cut(whole, options.most);
        if (phase.id === undefined) await runTasks(system.client, phase);
        else {
          const { strict, coordinators, executors } = options;
          const profiling = await startProfiling(system, options.profile);
          const figures = await measure(system, phase);
          process.stderr.write(await profiling.stop(profiles, phase.id));
          say({ bench: phase.id, round, strict, coordinators, executors, concurrency: phase.concurrency, ...figures });
        }
      }
    }
};

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

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
  const options = readOptions(process.argv.slice(2), names, names);
  if (options === 'help') process.stdout.write(help(names));
  else await run(options);
} catch (error) {
  if (!(error instanceof OptionMistake)) throw error;
  process.stderr.write(`bench: ${error.message} --help tells more.\n`);
  process.exitCode = 2;
}
