// Every plan that a page of the docs shows is one that Capstan takes.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { plan as planSchema } from '@capstan/contracts';
import { checkPlan } from '@capstan/engine';

const root = join(import.meta.dirname, '..', '..');
const fenced = /^```json\n([\s\S]*?)^```/gm;

for (const page of globSync('docs/*.md', { cwd: root })) {
  const shown = [...readFileSync(join(root, page), 'utf8').matchAll(fenced)]
    .map(([, text]) => JSON.parse(text as string) as { steps?: unknown; plan?: { steps: unknown } })
    .flatMap((found) => (found.steps === undefined ? (found.plan === undefined ? [] : [found.plan]) : [found]));
  for (const [at, found] of shown.entries())
    test(`${page}: plan ${at + 1}`, () => {
      assert.deepEqual(checkPlan(planSchema.parse(found)).issues, []);
    });
}
