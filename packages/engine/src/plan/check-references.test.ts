// What `${{ … }}` speaks of is looked at before anything runs, as far as a plan can tell.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '@capstan/contracts';
import { step } from '../testing.ts';
import { checkPlan } from './check.ts';

const issues = (steps: unknown[], more: object = {}): string[] =>
  checkPlan({ steps, ...more } as Plan).issues.map(({ path, issue }) => `${path} ${issue}`);

test('a step that is not there is said, with where and what there is', () => {
  assert.deepEqual(
    issues([step('build'), step('b', 'build', { input: { command: ['x', 'so ${{ steps.biuld.output.path }}'] } })]),
    ['plan.steps[1].input.command[1] there is no step "biuld"; there are build, b'],
  );
});

test('wherever it stands: inputs, lists of families, how to undo', () => {
  const undo = { capability: 'noop', input: { of: '${{ steps.x.output }}' } };
  assert.deepEqual(issues([step('a', { each: { items: '${{ steps.y.output }}' } }), step('b', { undo })]), [
    'plan.steps[0].each.items there is no step "y"; there are a, b',
    'plan.steps[1].undo.input.of there is no step "x"; there are a, b',
  ]);
});

test('a root that there is not, a phase that there is not, and what is no path', () => {
  assert.match(
    issues([step('a', { input: { x: '${{ stepz.a.output }}' } })])[0] ?? '',
    /"stepz\.a" names nothing; write steps/,
  );
  assert.match(issues([step('a', { input: { x: '${{ steps }}' } })])[0] ?? '', /"steps" names nothing/);
  assert.match(issues([step('a', { input: { x: '${{ loop.p }}' } })])[0] ?? '', /there is no phase "p"; there is none/);
  assert.match(issues([step('a', { input: { x: '${{ steps.a.output + 1 }}' } })])[0] ?? '', /is no path/);
});

test('steps, families, members of families, and what only the output can tell are let be', () => {
  const read = (text: string) => step('z', { input: { x: text } });
  const steps = [step('a'), step('f', { each: { count: 2 } }), step('open', { each: { items: '${{ params.list }}' } })];
  for (const text of [
    '${{ steps.a.output.whatever[0]["d e"] }}',
    '${{ steps.f.output }}',
    '${{ steps.f-1.output }}',
    '${{ steps.open-99.output }}',
    '${{ params.unknown }}',
    '${{ task.title }}',
    '${{ each.item.x }}',
    '${{ loop.p }}',
  ])
    assert.deepEqual(issues([...steps, read(text)], { phases: [{ name: 'p' }] }), [], text);
});

test('the plan of a sub-task is checked with it, by its own names', () => {
  const inner = (text: string) => ({ steps: [{ id: 'in', capability: 'echo', input: { x: text } }] });
  const outer = (plan: unknown) => [step('a'), step('t', 'a', { capability: 'task', input: { title: 'x', plan } })];
  assert.deepEqual(issues(outer(inner('${{ steps.in.status }}'))), []);
  assert.deepEqual(issues(outer(inner('${{ steps.a.output }}'))), [
    'plan.steps[1].input.plan.steps[0].input.x there is no step "a"; there are in',
  ]);
  assert.match(
    issues(outer({ steps: [{ id: 'in' }] }))[0] ?? '',
    /^plan\.steps\[1\]\.input\.plan\.steps\[0\]\.capability /,
  );
  assert.deepEqual(issues(outer({ ...inner('${{ params.p }}'), params: { p: '${{ steps.b.output }}' } })), [
    'plan.steps[1].input.plan.params.p there is no step "b"; there are a, t',
  ]);
});
