// Reads our own sources. Each law is a pure function over a path and a text, and is first shown a breach:
// a law that lets everything pass would otherwise look like a tidy repository.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { directions } from './tidy/directions.ts';
import { doors, length, linesMax, machines, names, purity, skips } from './tidy/laws.ts';
import type { Law, Source } from './tidy/source.ts';

interface Case {
  readonly law: Law;
  readonly says: string;
  /** Path and text, each of which the law must report. */
  readonly bad: readonly (readonly [path: string, text: string])[];
  /** Close to a breach, but none. */
  readonly good: readonly (readonly [path: string, text: string])[];
}

const engine = 'packages/engine/src/decide.ts';
const planner = 'services/planner/src/planner.ts';
const cases: readonly Case[] = [
  {
    law: directions,
    says: 'imports point one way',
    bad: [
      ['packages/contracts/src/order.ts', "import { readFileSync } from 'node:fs';"],
      ['packages/contracts/src/order.ts', "import type { State } from '@capstan/engine';"],
      [engine, "import { readFile } from 'node:fs/promises';"],
      [engine, "import { connect } from '@capstan/bus';"],
      ['packages/kit/src/service.ts', "import { connect } from 'nats';"],
      ['packages/kit/src/service.ts', "const { Kvm } = await import('@nats-io/kv');"],
      ['packages/bus/src/port.ts', "import { defineAgent } from '@capstan/kit';"],
      [planner, "import { openBus } from '@capstan/bus';"],
      [planner, "import { decide } from '@capstan/engine';"],
      [planner, "import { tools } from '@capstan/executor';"],
      ['services/coordinator/src/main.ts', "export { plan } from '../../planner/src/planner.ts';"],
      ['packages/cli/src/run.ts', "import {\n  deep,\n} from '@capstan/bus/src/port.ts';"],
      ['packages/cli/src/run.ts', "import { startNats } from '@capstan/bus/testing';"],
      ['tools/check.ts', "import { limits } from '@capstan/contracts';"],
      ['bench/main.ts', "import { startCoordinator } from '@capstan/coordinator';"],
      ['test/simulator/run.ts', "import { connect } from 'nats';"],
    ],
    good: [
      ['packages/contracts/src/order.ts', "import { z } from 'zod';\nimport { Id } from './ids.ts';"],
      [engine, "import { createHash } from 'node:crypto';\n// import { connect } from 'nats';"],
      ['packages/engine/src/decide.test.ts', "import test from 'node:test';\nimport fc from 'fast-check';"],
      ['packages/bus/src/nats/connect.ts', "import { connect } from 'nats';"],
      ['packages/kit/src/testing.ts', "import { startNats } from '@capstan/bus/testing';"],
      ['bench/client.ts', "import { connect } from 'nats';"],
      [planner, "import { done } from '@capstan/kit';"],
      [planner, 'const text = "import(\'nats\')";'],
    ],
  },
  {
    law: purity,
    says: 'the engine decides on state and event alone',
    bad: [
      [engine, 'const at = Date.now();'],
      [engine, 'const at = new Date();'],
      [engine, 'const at = Date();'],
      [engine, 'const dice = Math.random();'],
      [engine, 'const id = crypto.randomUUID();'],
      [engine, 'setTimeout(run, 5);'],
      [engine, 'setInterval(run, 5);'],
      [engine, 'queueMicrotask(run);'],
      [engine, 'const home = process.env;'],
      [engine, 'const answer = fetch(url);'],
      [engine, 'const later = async () => {};'],
      [engine, 'type Later = Promise<void>;'],
      [engine, 'ids.sort((a, b) => a.localeCompare(b));'],
      [engine, 'const text = amount.toLocaleString();'],
      // A template holds code.
      [engine, 'const id = `${Date.now()}`;'],
    ],
    good: [
      [engine, 'const at = new Date(event.at);'],
      [engine, "// Never Date.now().\nconst why = 'no Promise here';"],
      [engine, 'const { process } = state; const awaited = state.fetched;'],
      ['packages/kit/src/clock.ts', 'const at = Date.now();'],
      ['packages/engine/src/decide.test.ts', 'const at = Date.now();'],
    ],
  },
  {
    law: names,
    says: 'subjects, streams and buckets are named in one file',
    bad: [
      ['packages/bus/src/log.ts', "publish('capstan.event.' + id);"],
      ['packages/bus/src/log.ts', 'publish(`capstan.order.${role}`);'],
      ['services/coordinator/src/main.ts', "open('CAPSTAN_EVENTS');"],
      ['packages/kit/src/agent/loop.ts', "bucket('capstan_artifacts');"],
    ],
    good: [
      ['packages/contracts/src/names.ts', "const events = 'CAPSTAN_EVENTS';"],
      ['packages/kit/src/config.ts', "process.env['CAPSTAN_NATS_URL'];"],
      ['packages/bus/src/log.ts', '// All of capstan.event.> at once.'],
      ['packages/bus/src/log.test.ts', "open('CAPSTAN_EVENTS');"],
    ],
  },
  {
    law: doors,
    says: 'what a package shows is a list',
    bad: [['packages/kit/src/index.ts', "export * from './log.ts';"]],
    good: [
      ['packages/kit/src/index.ts', "export { log } from './log.ts';"],
      ['packages/kit/src/log.ts', "export * from './lines.ts';"],
    ],
  },
  {
    law: length,
    says: `no file is longer than ${linesMax} lines`,
    bad: [['packages/kit/src/log.ts', 'x\n'.repeat(linesMax + 1)]],
    good: [
      ['packages/kit/src/log.ts', 'x\n'.repeat(linesMax)],
      ['docs/design.md', 'x\n'.repeat(linesMax + 1)],
    ],
  },
  {
    law: machines,
    says: 'no package registry and no folder of one machine',
    bad: [
      ['.npmrc', `registry=https://${['registry', 'npmjs', 'org'].join('.')}/`],
      ['deploy/Dockerfile', `RUN pip install -i https://${['pypi', 'org'].join('.')}/simple`],
      ['docs/tour.md', `Open ${['', 'work', 'main'].join('/')} first.`],
      ['tools/test.ts', `const cache = '${['', 'root', '.cache'].join('/')}';`],
    ],
    good: [
      ['docs/tour.md', 'Open /workspace/main or ./work/ or https://host/work/1 first.'],
      ['deploy/compose.yaml', 'image: docker.io/library/nats:2.15'],
    ],
  },
  {
    law: skips,
    says: 'no test is left out without a reason',
    bad: [
      ['test/a.test.ts', "test.skip('later', () => {});"],
      ['test/a.test.ts', "describe.only('this', () => {});"],
      ['test/a.test.ts', "test('later', { skip: true }, () => {});"],
      ['test/a.test.ts', "test('this', { only: true }, () => {});"],
      ['test/a.test.ts', 'test(name, (t) => t.skip());'],
    ],
    good: [
      ['test/a.test.ts', "test('later', { skip: 'no Docker Engine' }, () => {});"],
      ['test/a.test.ts', "test(name, (t) => t.skip('no Docker Engine'));"],
    ],
  },
];

const ours = readOurs();

for (const { law, says, bad, good } of cases) {
  describe(says, () => {
    test('the law reports a breach', () => {
      for (const [path, text] of bad) assert.ok(law({ path, text }).length > 0, `not reported in ${path}: ${text}`);
    });
    test('the law leaves its neighbours alone', () => {
      for (const [path, text] of good) assert.deepEqual(law({ path, text }), [], path);
    });
    test('our sources keep it', () => {
      const found = ours.flatMap(law).map(({ path, line, what }) => `${path}:${line} ${what}`);
      assert.equal(found.join('\n'), '');
    });
  });
}

test('the sources that the laws are about are really read', () => {
  const paths = ours.map(({ path }) => path);
  for (const path of [
    'packages/contracts/src/names.ts',
    'packages/engine/src/index.ts',
    'test/tidy.test.ts',
    'README.md',
  ]) {
    assert.ok(paths.includes(path), path);
  }
});

/** What git tracks, as it stands in the working tree. */
function readOurs(): Source[] {
  const root = join(import.meta.dirname, '..');
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  const paths = listed
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)) && statSync(join(root, path)).isFile());
  return paths.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}
