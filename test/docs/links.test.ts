// Every page for users can be found from the README, and no link in a page leads nowhere.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const pages = globSync(['*.md', '{docs,deploy,bench,examples,packages,services}/**/*.md'], {
  cwd: root,
  exclude: (path) => path.includes('node_modules'),
});
const linksOf = (page: string): string[] =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, to]) => (to as string).replace(/#.*$/, ''))
    .filter((to) => to !== '' && !/^[a-z]+:/.test(to))
    .map((to) => normalize(join(dirname(page), to)));

test('every page of the docs is named in the README', () => {
  const named = new Set(linksOf('README.md'));
  const unnamed = globSync('docs/*.md', { cwd: root }).filter((page) => !named.has(page));
  assert.deepEqual(unnamed, []);
});

test('every decision is in the list of decisions', () => {
  const named = new Set(linksOf('docs/decisions/README.md'));
  const unnamed = globSync('docs/decisions/0*.md', { cwd: root }).filter((page) => !named.has(page));
  assert.deepEqual(unnamed, []);
});

test('no link leads nowhere', () => {
  const nowhere = pages.flatMap((page) =>
    linksOf(page)
      .filter((to) => !existsSync(join(root, to)))
      .map((to) => `${page} → ${to}`),
  );
  assert.deepEqual(nowhere, []);
  assert.ok(pages.length > 20, `only ${pages.length} pages were read`);
});
