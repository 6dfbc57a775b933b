import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stages } from '../stages.ts';
import { finders } from './index.ts';

const find = (files: Record<string, string>): Record<string, string[]> => {
  let found: Stages = {};
  for (const finder of finders) {
    const more = finder.find(new Map(Object.entries(files)), found);
    for (const [stage, checks] of Object.entries(more ?? {}))
      found = { ...found, [stage]: [...(found[stage as keyof Stages] ?? []), ...(checks ?? [])] };
  }
  return Object.fromEntries(
    Object.entries(found).flatMap(([stage, checks]) =>
      checks && checks.length > 0 ? [[stage, checks.map(({ command }) => command.join(' '))]] : [],
    ),
  );
};
const scripts = (some: Record<string, string>, more: object = {}) => ({
  'package.json': JSON.stringify({ scripts: some, ...more }),
});

test('package.json: scripts, whose one tool is told to print for programs', () => {
  assert.deepEqual(
    find(scripts({ build: 'tsc -b', typecheck: 'tsc', test: 'node --test', lint: 'eslint .', start: 'x' })),
    {
      build: ['npm run --silent build', 'npm run --silent typecheck'],
      test: ['npm run --silent test'],
      lint: ['npm run --silent lint -- --format json'],
    },
  );
  assert.deepEqual(find(scripts({ lint: 'biome check .', test: 'jest' })), {
    lint: ['npm run --silent lint -- --reporter=json'],
    test: ['npm run --silent test -- --json'],
  });
  assert.deepEqual(find(scripts({ test: 'vitest' })).test, ['npm run --silent test -- --run --reporter=json']);
  assert.deepEqual(find(scripts({ test: 'vitest run' })).test, ['npm run --silent test -- --reporter=json']);
});

test('package.json: what has more than one command in it, or says how it prints, is left as it is', () => {
  for (const lint of ['eslint . && tsc', 'eslint . | tee log', 'eslint --format unix .', 'next lint'])
    assert.deepEqual(find(scripts({ lint })).lint, ['npm run --silent lint']);
});

test('package.json: what npm writes by itself is no test; without a script for it the compiler is asked', () => {
  const typed = {
    ...scripts({ test: 'echo "Error: no test specified" && exit 1' }, { devDependencies: { typescript: '1' } }),
    'tsconfig.json': '{}',
  };
  assert.deepEqual(find(typed), { build: ['npx --no-install tsc --noEmit'] });
  for (const odd of ['', 'null', '[]', '{"scripts":[3]}', '{"scripts":{"test":{"a":1}}}'])
    assert.deepEqual(find({ 'package.json': odd }), {});
});

test('go.mod, Cargo.toml and pyproject.toml: the tools of each', () => {
  assert.deepEqual(find({ 'go.mod': 'module a', '.golangci.yml': '' }), {
    build: ['go build -o /dev/null ./...'],
    test: ['go test -json ./...'],
    lint: ['go vet ./...', 'golangci-lint run --output.json.path=stdout ./...'],
  });
  assert.deepEqual(find({ 'Cargo.toml': '' }).lint, ['cargo clippy --message-format=json']);
  assert.deepEqual(find({ 'pyproject.toml': '[tool.ruff]\n[tool.pytest.ini_options]\n' }), {
    test: ['python3 -m pytest'],
    lint: ['ruff check --output-format sarif .'],
  });
  assert.deepEqual(find({ 'pyproject.toml': '[project]\nname = "a"\n' }), {});
});

test('a scanner that needs no network is run where it is configured', () => {
  const { security = [] } = find({ '.gitleaks.toml': '' });
  assert.match(security.join(), /^gitleaks dir --redact/);
});

test('a Makefile: for what nothing else says', () => {
  const Makefile = 'OUT := x\n.PHONY: test\nbuild: a.c\n\tcc a.c\ncheck:\n\ttrue\nlint ::\n\ttrue\n';
  assert.deepEqual(find({ Makefile }), { build: ['make build'], test: ['make check'], lint: ['make lint'] });
  assert.deepEqual(find({ Makefile, ...scripts({ test: 'node --test' }) }).test, ['npm run --silent test']);
});

test('more than one of them at once: all that they say', () => {
  const { test: tests } = find({ 'go.mod': 'module a', ...scripts({ test: 'node --test' }) });
  assert.deepEqual(tests, ['npm run --silent test', 'go test -json ./...']);
});
