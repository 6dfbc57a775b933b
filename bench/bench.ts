// What a bench is, and what it is given to work with.
import { join } from 'node:path';
import { type Figures, measure, runTasks } from './measure.ts';
import type { BenchOptions, Named } from './options.ts';
import { startProfiling } from './profile.ts';
import { type System, type SystemOptions, startSystem } from './system.ts';
import { cut, type Phase } from './workloads.ts';

export interface Bench extends Named {
  run(context: BenchContext): Promise<void>;
}

export interface BenchContext {
  readonly options: BenchOptions;
  /** A fresh installation, as the options say but for what is said here. */
  start(but?: Partial<SystemOptions>): Promise<System>;
  /** Runs a phase and prints its line, with these facts in it; null where the phase is none to report. */
  phase(system: System, phase: Phase, facts?: object): Promise<Figures | null>;
  /** Prints a line. */
  say(line: object): void;
}

const profiles = join(import.meta.dirname, '../.cache/profiles');

export const newContext = (
  options: BenchOptions,
  binary: string,
  round: number,
  print: (line: string) => void,
): BenchContext => {
  const say = (line: object) => print(JSON.stringify(line));
  return {
    options,
    say,
    start: (but) => startSystem({ ...options, binary, inspect: options.profile.length > 0, ...but }),
    phase: async (system, whole, facts) => {
      const phase = cut(whole, options.most);
      const { id, concurrency } = phase;
      if (id === undefined) {
        await runTasks(system.client, phase);
        return null;
      }
      const profiling = await startProfiling(system, options.profile);
      const figures = await measure(system, phase);
      process.stderr.write(await profiling.stop(profiles, id));
      const { strict, coordinators, executors } = system.options;
      say({ bench: id, round, ...facts, strict, coordinators, executors, concurrency, ...figures });
      return figures;
    },
  };
};
