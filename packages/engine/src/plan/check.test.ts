// A plan that can't be run is refused whole, with everything that is wrong with it and where.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '@capstan/contracts';
import { step } from '../testing.ts';
import { checkPlan } from './check.ts';

const check = (steps: unknown[], more: object = {}) => checkPlan({ steps, ...more } as Plan);
const issues = (steps: unknown[], more: object = {}): string[] =>
  check(steps, more).issues.map(({ path, issue }) => `${path} ${issue}`);

test('a plan that can be run has no issue', () => {
  assert.deepEqual(
    issues([step('a'), step('f', 'a', { each: { count: 2 } }), step('b', 'f', 'p'), step('c', { phase: 'p' })], {
      phases: [{ name: 'p' }],
    }),
    [],
  );
});

test('everything that is wrong is said at once, with its path', () => {
  assert.deepEqual(
    issues([step('a', 'a', 'nobody'), step('a'), step('b', { phase: 'q', when: '1 +' })], {
      phases: [{ name: 'p', feedback_to: 'z' }, { name: 'p' }, { name: 'b' }],
    }),
    [
      'plan.phases[1].name "p" names two phases',
      'plan.phases[0].feedback_to no phase is named "z"',
      'plan.steps[1].id "a" names two steps',
      'plan.steps[2].id "b" is the name of a phase too',
      'plan.steps[0].depends_on[0] "a" can\'t wait for itself',
      'plan.steps[0].depends_on[1] no step or phase is named "nobody"',
      'plan.steps[2].phase no phase is named "q"',
      'plan.steps[2].when is no CEL expression: Unexpected token: EOF',
    ],
  );
});

test('a cycle is named', () => {
  assert.deepEqual(check([step('a', 'c'), step('b', 'a'), step('c', 'b'), step('d', 'c')]).cycle, ['a', 'b', 'c', 'a']);
});

test('a cycle through a family, a phase or phases without steps is one', () => {
  assert.ok(check([step('f', 'b', { each: { count: 2 } }), step('b', 'f')]).cycle);
  assert.ok(check([step('a', 'p', { phase: 'p' })], { phases: [{ name: 'p' }] }).cycle);
  assert.ok(
    check([step('a', 'b', { phase: 'one' }), step('b', { phase: 'two' })], {
      phases: [{ name: 'one' }, { name: 'two' }],
    }).cycle,
  );
  const phases = [{ name: 'one' }, { name: 'none' }, { name: 'three' }];
  assert.ok(check([step('a', 'b', { phase: 'one' }), step('b', { phase: 'three' })], { phases }).cycle);
});

test('feedback goes to an earlier phase or the same one', () => {
  assert.match(
    issues([step('a')], { phases: [{ name: 'one', feedback_to: 'two' }, { name: 'two' }] })[0] ?? '',
    /"two" comes later/,
  );
});

test('a family keeps the names of its members', () => {
  assert.match(issues([step('f', { each: { count: 2 } }), step('f-1')])[0] ?? '', /"f-1" names two steps/);
  assert.match(
    issues([step('f', { each: { items: '${{ params.x }}' } }), step('f-7')])[0] ?? '',
    /"f-7" would be a member of the family "f"/,
  );
  assert.deepEqual(issues([step('f', { each: { count: 2 } }), step('f-2'), step('f-01')]), []);
});

test('a member has a name of at most 64 characters', () => {
  const id = 'x'.repeat(62);
  assert.deepEqual(issues([step(id, { each: { count: 10 } })]), []);
  assert.match(issues([step(id, { each: { count: 11 } })])[0] ?? '', /is too long for a family/);
});

test('more steps than allowed are refused before anything else is looked at', () => {
  assert.match(check([step('f', { each: { count: 5 } })], {}).issues[0]?.issue ?? 'none', /none/);
  const { issues: found } = checkPlan({ steps: [step('f', { each: { count: 5 } }), step('f')] } as unknown as Plan, {
    stepsMax: 5,
  });
  assert.deepEqual(
    found.map(({ issue }) => issue),
    ['has 6 steps, families counted by their members; at most 5 are allowed'],
  );
});

test('checkpoints name steps', () => {
  const { issues: found } = checkPlan({ steps: [step('a')] } as unknown as Plan, { checkpoints: ['a', 'b'] });
  assert.deepEqual(
    found.map(({ path }) => path),
    ['checkpoints[1]'],
  );
});

test('a chain of 10,000 steps is checked without recursion, a ring of them too', () => {
  const chain = Array.from({ length: 10_000 }, (_, at) => step(`s${at}`, ...(at === 0 ? [] : [`s${at - 1}`])));
  assert.deepEqual(issues(chain), []);
  assert.equal(check([step('s0', 's9999'), ...chain.slice(1)]).cycle?.length, 10_001);
});

test('at most fifty issues are said', () => {
  assert.equal(issues(Array.from({ length: 100 }, (_, at) => step(`s${at}`, 'nobody'))).length, 50);
});
