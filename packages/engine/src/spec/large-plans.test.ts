// Rule: no work for an event grows with the plan, so a plan of twenty times the steps takes twenty times the work. Quadratic work would take four hundred
// times; what is allowed lies far from both. Measured as work of this thread, in one run, so that it does not matter what else the machine does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '@capstan/contracts';
import { chain, family, layers, phased, run } from '../bench-plans.ts';

const work = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};

const [few, many] = [500, 10_000];

/** Of so many steps, in tasks of that size. */
const perStep = (plan: (count: number) => Plan, size: number): number => {
  let [ms, reports] = [0, 0];
  for (let task = 0; task < many / size; task += 1) {
    const one = run(`${size}-${task}`, plan(size), work);
    ms += one.submitMs + one.reportMs;
    reports += one.reports;
  }
  return ms / reports;
};

for (const [name, plan] of Object.entries({ chain, family, layers, phased })) {
  test(`a plan of ${many} steps takes as much work for each as one of ${few}: ${name}`, () => {
    // The first round compiles, and a collection of garbage may fall into any: the best of each counts.
    const best = (size: number) => Math.min(...Array.from({ length: 4 }, () => perStep(plan, size)));
    const ratio = best(many) / best(few);
    assert.ok(ratio < 4, `each of ${many} steps takes ${ratio.toFixed(1)} times the work of each of ${few}`);
  });
}
