// Repositories of several languages with mistakes planted in them, verified as their files tell, by the real tools of this machine: what is
// found, and where. A language that is not installed here is left out, and said to be; and Go is, since in a home of its own it compiles its
// library first, which takes half a minute.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { Json, Report } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { newVerifier } from '../verifier.ts';

interface Language {
  /** That says whether the tools are here. */
  readonly needs: readonly (readonly [string, ...string[]])[];
  readonly files: Readonly<Record<string, string>>;
  readonly checks: readonly (readonly [string, boolean])[];
  /** `severity category location`, and the beginning of the message. */
  readonly found: readonly RegExp[];
}

const languages: Readonly<Record<string, Language>> = {
  rust: {
    needs: [
      ['cargo', '--version'],
      ['cargo', 'clippy', '--version'],
    ],
    files: {
      'Cargo.toml': '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n',
      'src/lib.rs':
        'pub fn add(a: i32, b: i32) -> i32 {\n    return a - b;\n}\n\n#[test]\nfn adds() {\n    assert_eq!(add(1, 2), 3);\n}\n',
    },
    checks: [
      ['cargo build --message-format=json', true],
      ['cargo test --message-format=json', false],
      ['cargo clippy --message-format=json', true],
    ],
    found: [/^major test code\/src\/lib\.rs:7:5 /, /^minor lint code\/src\/lib\.rs:2:5 .*unneeded `return`/],
  },
  python: {
    needs: [['python3', '-m', 'pytest', '--version']],
    files: {
      'pyproject.toml': '[project]\nname = "shop"\nversion = "0.1.0"\n\n[tool.pytest.ini_options]\n',
      'test_shop.py': 'def test_add():\n    assert 1 - 2 == 3\n',
    },
    checks: [['python3 -m pytest', false]],
    found: [/^major test code\/test_shop\.py:2 /],
  },
  make: {
    needs: [
      ['make', '--version'],
      ['gcc', '--version'],
    ],
    files: {
      Makefile: 'build:\n\tgcc -c -o /dev/null shop.c\ntest:\n\ttrue\n',
      'shop.c': 'int add(int a, int b) { return a + c; }\n',
    },
    checks: [
      ['make build', false],
      ['make test', true],
    ],
    found: [/^major build code\/shop\.c:1:\d+ .*undeclared/],
  },
};

for (const [name, { needs, files, checks, found }] of Object.entries(languages)) {
  const missing = needs.find(([program, ...args]) => spawnSync(program, args).status !== 0);
  const skip = missing === undefined ? false : `SKIPPED, ${missing.join(' ')} does not work here`;
  test(`${name}: found by its files, run, and read`, { skip }, async () => {
    await using world = await newAgentWorld();
    await world.start(newVerifier(), { CAPSTAN_UNSAFE_HOST_SHELL: '1' });
    let step = 0;
    const verify = async (check: object): Promise<Report> => {
      const input = { checks: [check as Json] };
      const place = { task_id: name, step_id: `s${++step}` };
      return world.report(await world.order({ queue: 'verifier', capability: 'verify', input, ...place }));
    };
    const write = Object.keys(files).map(
      (path, at) => `mkdir -p $(dirname code/${path}); printf %s "$F${at}" >code/${path}`,
    );
    const env = Object.fromEntries(Object.values(files).map((text, at) => [`F${at}`, text]));
    await verify({ command: ['sh', '-c', write.join('; ')], env });
    const report = await verify({ repository: 'code' });
    assert.equal(report.outcome, 'succeeded', report.error?.message);
    const { checks: ran } = report.output as { checks: { name: string; passed: boolean }[] };
    const lines = (report.findings ?? []).map(
      ({ severity, category, location, message }) => `${severity} ${category} ${location} ${message}`,
    );
    const all = lines.join('\n');
    assert.deepEqual(
      ran.map(({ name: check, passed }) => [check, passed]),
      checks,
      all,
    );
    for (const one of found)
      assert.ok(
        lines.some((line) => one.test(line)),
        `${one} is not in:\n${all}`,
      );
  });
}
