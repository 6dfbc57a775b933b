// The steps in docs/tools.md: every input is one that its tool takes, and those marked `run` are run, in order.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Json } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { newExecutor } from '../executor.ts';
import { mistyped } from '../explain-input.ts';
import { tools } from './index.ts';

const page = readFileSync(join(import.meta.dirname, '../../../../docs/tools.md'), 'utf8');
const steps = [...page.matchAll(/^```json( run)?\n([^]*?)\n```$/gm)].map(([, run, text = '']) => ({
  run: run !== undefined,
  step: JSON.parse(text) as { id: string; capability: string; input: Record<string, Json> },
}));

/** A secret is a text by the time that a tool sees it. */
const resolved = (value: Json): Json => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as Json[]).map(resolved);
  if ('$secret' in value) return 'a secret';
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolved(inner)]));
};

test('every input on the page is one that its tool takes', () => {
  assert.ok(steps.length >= 15, String(steps.length));
  for (const { step } of steps) {
    const tool = tools.find(({ name }) => name === step.capability) ?? assert.fail(step.capability);
    const input = resolved(step.input) as Record<string, Json>;
    assert.equal(mistyped(tool, input), null);
    assert.doesNotThrow(() => tool.input.parse(input), step.id);
  }
});

test('every tool of an executor is on the page, but those for demonstrations', () => {
  const demonstrations = new Set(['noop', 'echo', 'wait', 'fail', 'ask']);
  for (const { name } of tools)
    if (!demonstrations.has(name))
      assert.ok(
        page.includes(`\`${name}\``) || page.includes(`"${name}"`) || page.includes(`${name.split('.')[0]}.*`),
        name,
      );
});

test('those marked so run as they stand', async () => {
  await using world = await newAgentWorld();
  await world.start(newExecutor(), { CAPSTAN_UNSAFE_HOST_SHELL: '1' });
  for (const { run, step } of steps) {
    if (!run) continue;
    const { capability, input, id } = step;
    const report = await world.report(
      await world.order({ queue: 'executor', capability, input, task_id: 'page', step_id: id }),
    );
    assert.equal(report.outcome, 'succeeded', `${id}: ${report.error?.message}`);
  }
});
