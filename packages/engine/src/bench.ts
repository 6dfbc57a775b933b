// How long deciding takes, decide alone, nothing stored or sent: `node packages/engine/src/bench.ts` prints microseconds per event, and with
// `--whole` milliseconds for whole plans of growing size.
import type { Plan } from '@capstan/contracts';
import { chain, type Clock, family, layers, phased, run, type Run } from './bench-plans.ts';

/** What this thread has worked, in milliseconds; what others on the machine do is no part of it. Too coarse for a single small task. */
const work: Clock = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};
const wall: Clock = () => performance.now();

/**
 * Small tasks by the wall clock, the best of many short rounds: the machine is shared, and what disturbs only ever adds. Large ones by the work
 * of this thread, all rounds together: that clock is too coarse for one.
 */
const measure = (name: string, plan: Plan, tasks: number, rounds: number, clock: Clock): void => {
  const found = Array.from({ length: rounds }, () => {
    const all = Array.from({ length: tasks }, (_, task) => run(`${name}-${task}`, plan, clock));
    const sum = (of: (one: Run) => number) => all.reduce((total, one) => total + of(one), 0);
    return {
      submit: (sum((one) => one.submitMs) * 1_000) / tasks,
      report: (sum((one) => one.reportMs) * 1_000) / sum((one) => one.reports),
    };
  });
  const pick = (of: (round: (typeof found)[number]) => number) =>
    clock === wall ? Math.min(...found.map(of)) : found.reduce((total, round) => total + of(round), 0) / rounds;
  const [report, submit] = [pick((round) => round.report), pick((round) => round.submit)];
  const figures = [report.toFixed(2).padStart(9), submit.toFixed(2).padStart(12)];
  process.stdout.write(`${name.padEnd(22)} ${figures[0]} µs per report ${figures[1]} µs per submission\n`);
};

/** A whole plan, submission and all reports: the same work for each step, however many there are. */
const measureWhole = (name: string, plan: (count: number) => Plan): void => {
  for (const count of [1_250, 2_500, 5_000, 10_000, 20_000]) {
    const rounds = Math.max(3, 20_000 / count);
    let [ms, reports] = [0, 0];
    for (let round = 0; round < rounds; round += 1) {
      const one = run(`${name}-${round}`, plan(count), work);
      ms += one.submitMs + one.reportMs;
      reports += one.reports;
    }
    const figures = [(ms / rounds).toFixed(1).padStart(9), ((ms * 1_000) / reports).toFixed(2).padStart(9)];
    process.stdout.write(`${`${name} ${count}`.padEnd(22)} ${figures[0]} ms in all     ${figures[1]} µs per step\n`);
  }
};

if (process.argv.includes('--whole')) {
  for (const [name, plan] of Object.entries({ family, chain, layers, phased })) measureWhole(name, plan);
} else {
  measure('single step', chain(1), 500, 200, wall);
  measure('chain of 10', chain(10), 100, 200, wall);
  measure('family of 1,000', family(1_000), 1, 60, work);
  measure('family of 5,000', family(5_000), 1, 20, work);
  measure('family of 50,000', family(50_000), 1, 5, work);
  measure('chain of 10,000', chain(10_000), 1, 10, work);
}
