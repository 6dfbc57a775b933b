import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Json, type Plan, type Report, roles } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { builtInTemplates, newPlanner } from './planner.ts';
import { renderTemplate } from './render.ts';
import { loadTemplates } from './templates.ts';

const folder = (t: TestContext, files: Record<string, string>): string => {
  const path = mkdtempSync(join(tmpdir(), 'capstan-templates-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
};

const fixture = async (t: TestContext, env: NodeJS.ProcessEnv = {}) => {
  const world = await newAgentWorld();
  t.after(() => world[Symbol.asyncDispose]());
  await world.start(newPlanner(), env);
  const plan = async (request: Json, feedback?: Json): Promise<Report> =>
    world.report(
      await world.order({
        queue: 'planner',
        capability: 'plan',
        input: feedback === undefined ? { request } : { request, feedback },
      }),
    );
  return { world, plan };
};

const planIn = (report: Report): Plan => {
  assert.equal(report.outcome, 'succeeded', report.error?.message);
  return roles.planner.capabilities.plan.output.parse(report.output).plan;
};

test('a template with its parameters becomes a plan', async (t) => {
  const { plan } = await fixture(t);
  const hello = planIn(await plan({ template: { name: 'hello', params: { name: 'Ada' } } }));
  assert.deepEqual(hello.params, { name: 'Ada' });
  assert.equal(hello.steps[0]?.title, 'Greet Ada');
  assert.deepEqual(hello.steps[0]?.input, { message: 'Hello, ${{ params.name }}!' });
  const demo = planIn(await plan({ template: { name: 'demo', params: { count: 7 } } }));
  assert.deepEqual(demo.steps.find(({ id }) => id === 'part')?.each, { count: 7 });
});

test('an unknown template is refused for good, with the nearest name and the list', async (t) => {
  const { plan } = await fixture(t);
  const { error } = await plan({ template: { name: 'helo' } });
  assert.deepEqual(error, {
    code: 'unknown_template',
    retryable: false,
    message: 'There is no template "helo". Did you mean "hello"? There are demo, deploy-feature, hello.',
  });
});

test('parameters are checked: missing, unknown, of the wrong type, out of range', async (t) => {
  const { plan } = await fixture(t);
  const refused = async (name: string, params: Json) =>
    (await plan({ template: { name, params } as Json })).error?.message;
  assert.match((await refused('deploy-feature', {})) ?? '', /^params\.pr: the template "deploy-feature" needs it/);
  assert.match(
    (await refused('hello', { nmae: 'x' })) ?? '',
    /^params\.nmae: .* no such parameter\. Did you mean "name"\?/,
  );
  assert.equal(await refused('hello', { name: 3 }), 'params.name: must be text');
  assert.equal(await refused('demo', { count: 0 }), 'params.count: must be at least 1');
  assert.equal(await refused('demo', { count: 1.5 }), 'params.count: must be a whole number');
});

test('a secret as a parameter stays a name', async (t) => {
  process.env['PLANNER_CANARY'] = 'canary-planner-1';
  const { plan } = await fixture(t);
  const secret = { $secret: 'env:PLANNER_CANARY' };
  assert.deepEqual(planIn(await plan({ template: { name: 'hello', params: { name: secret } } })).params, {
    name: secret,
  });
});

test('every template that comes with Capstan gives a valid plan', async (t) => {
  const { plan } = await fixture(t);
  const templates = loadTemplates([builtInTemplates]);
  const needed: Record<string, Json> = { 'deploy-feature': { pr: 123 } };
  for (const name of templates.keys())
    assert.ok(planIn(await plan({ template: { name, params: needed[name] ?? {} } })).steps.length > 0, name);
});

test("one's own folder goes over what comes with Capstan", async (t) => {
  const dir = folder(t, {
    'hello.yaml': 'name: hello\ndescription: mine\nplan:\n  steps: [{ id: mine, capability: noop }]\n',
  });
  const { plan } = await fixture(t, { CAPSTAN_TEMPLATES: dir });
  assert.deepEqual(
    planIn(await plan({ template: { name: 'hello' } })).steps.map(({ id }) => id),
    ['mine'],
  );
});

test('a template that is none is found at the start, with file and path', (t) => {
  const wrong = folder(t, { 'a.yaml': 'name: a\ndescription: d\nplan: { steps: [{ id: x }] }\n' });
  assert.throws(
    () => loadTemplates([wrong]),
    new RegExp(`^ConfigMistake: ${wrong}/a\\.yaml: plan\\.steps\\.0\\.capability: `),
  );
  const broken = folder(t, { 'b.yaml': 'name: "b\n' });
  assert.throws(() => loadTemplates([broken]), /b\.yaml: this is not YAML/);
  assert.throws(() => loadTemplates(['/nowhere']), /\/nowhere: this folder of templates can't be read \(ENOENT\)/);
});

test('references are filled in where the engine would not, and left where it will', () => {
  const template = {
    name: 't',
    description: 'd',
    params: { n: { type: 'integer' as const, default: 2 }, list: { type: 'list' as const, default: ['a'] } },
    plan: {
      steps: [
        {
          id: 's',
          capability: 'noop',
          title: 'Number ${{ params.n }} of ${{params.list}}',
          timeout_ms: '${{ params.n }}',
          when: 'params.n > 1',
          each: { items: '${{ params.list }}' },
          input: { n: '${{ params.n }}' },
          undo: { capability: 'noop', input: { n: '${{ params.n }}' } },
        },
      ],
    },
  };
  const plan = renderTemplate(new Map([['t', template]]), { name: 't' }) as { steps: Record<string, unknown>[] };
  assert.deepEqual(plan.steps[0], {
    id: 's',
    capability: 'noop',
    title: 'Number 2 of ["a"]',
    timeout_ms: 2,
    when: 'params.n > 1',
    each: { items: '${{ params.list }}' },
    input: { n: '${{ params.n }}' },
    undo: { capability: 'noop', input: { n: '${{ params.n }}' } },
  });
});

test('what is no request is refused with its path', async (t) => {
  const { plan } = await fixture(t);
  const { error } = await plan({ title: 3 });
  assert.deepEqual([error?.code, error?.retryable], ['invalid_input', false]);
  assert.match(error?.message ?? '', /^request\.title: /);
});

test('asked for another plan, it gives what did not succeed names of its own', async (t) => {
  const { plan } = await fixture(t);
  const request = { template: { name: 'demo', params: { count: 2 } } };
  const first = planIn(await plan(request));
  const [done, ...rest] = first.steps.map(({ id }) => id);
  const feedback = {
    reason: 'step "part" failed',
    round: 1,
    rounds_left: 0,
    done: [done ?? ''],
    failed: [],
    taken: rest,
  };
  const again = planIn(await plan(request, feedback));
  assert.deepEqual(
    again.steps.map(({ id }) => id),
    [done, ...rest.map((id) => `${id}-r1`)],
  );
  const names = new Set(again.steps.map(({ id }) => id));
  for (const step of again.steps) for (const on of step.depends_on ?? []) assert.ok(names.has(on), on);
  assert.doesNotMatch(JSON.stringify(again), new RegExp(`steps\\.(${rest.join('|')})[.\\s]`));
});
