// Random plans, told random events: what must always hold is checked after every single one. A failure prints its seed and the shortest
// game that shows it; `CAPSTAN_SEED=<seed>` plays it again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownPolicy, type Settings } from '@capstan/contracts';
import fc from 'fast-check';
import { recordOf } from '../snapshot.ts';
import { taskEnded, type TaskState } from '../state.ts';
import { Play, replay } from './play.ts';
import { randomTask } from './plans.ts';

const seed = process.env['CAPSTAN_SEED'];
const runs = Number(process.env['CAPSTAN_RUNS'] ?? 400);
const parameters = (numRuns: number): fc.Parameters<unknown> => ({
  numRuns,
  // Looking for a shorter game ends some time; the one that was found is shown.
  interruptAfterTimeLimit: 120_000,
  ...(seed === undefined ? {} : { seed: Number(seed) }),
});

const tape = (most: number) => fc.array(fc.nat(1_000_000), { maxLength: most, size: 'max' });
const notify: Partial<Settings> = { notify: [{ on: ['*'], channel: 'log' }] };

/** Plays to the end; whatever was disturbed before, a task ends once everything that it waits for comes. */
const toTheEnd = (play: Play, isTold = false): void => {
  while (!play.over) play.disturb();
  for (let turn = 0; play.help(); turn += 1) assert.ok(turn < 2_000, 'it never ends');
  const state = play.state as TaskState;
  assert.ok(taskEnded(state.status), `nothing is waited for, and the task is ${state.status}`);
  assert.equal(state.errands, 0, 'news were not told');
  play.conform();
  if (isTold) assert.ok(play.told.includes(`task.${state.status}`), 'nobody was told how it ended');
};

test('whatever happens, the laws hold, and a task ends once all that it waits for has come', () => {
  fc.assert(
    fc.property(randomTask(6), tape(300), fc.boolean(), (task, numbers, isTold) => {
      toTheEnd(new Play(task, numbers, isTold ? notify : {}), isTold);
    }),
    parameters(runs),
  );
});

const strict: Partial<Settings> = {
  policies: {
    max_concurrent_tasks: { max: 1, mode: 'enforce' },
    agent_availability: { wait_ms: 5_000, mode: 'enforce' },
    phase_gate: { min_success_rate: 0.5, mode: 'check' },
    own: [
      ownPolicy.parse({ name: 'no-failure', on: 'phase', deny: 'phase.failed > 0' }),
      ownPolicy.parse({ name: 'not-s2', deny: 'step.id == "s2"', effect: 'approve' }),
      ownPolicy.parse({ name: 'looks', mode: 'check', deny: 'step.risk == "high"' }),
    ],
  },
};

test('with policies that say no, the laws hold as well', () => {
  fc.assert(
    fc.property(randomTask(5), tape(200), (task, numbers) => toTheEnd(new Play(task, numbers, strict))),
    parameters(runs / 4),
  );
});

test('the same events give the same state and the same effects, to the letter', () => {
  fc.assert(
    fc.property(randomTask(4), tape(150), (task, numbers) => {
      const play = new Play(task, numbers);
      toTheEnd(play);
      const again = replay(play.events);
      assert.deepEqual(again.outcomes, play.outcomes);
      assert.equal(again.record, JSON.stringify(recordOf(play.state as TaskState, { whole: true })));
    }),
    parameters(runs / 4),
  );
});

test('a plan of several pages keeps the laws too', () => {
  fc.assert(
    fc.property(randomTask(3), tape(60), fc.integer({ min: 129, max: 300 }), (task, numbers, count) => {
      const [first, ...rest] = task.plan.steps;
      const steps = [{ ...first, each: { count } }, ...rest] as typeof task.plan.steps;
      const play = new Play({ ...task, plan: { ...task.plan, steps } }, numbers);
      while (!play.over) play.disturb();
    }),
    parameters(runs / 20),
  );
});
