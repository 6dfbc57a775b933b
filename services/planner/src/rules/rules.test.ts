import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan as planSchema, type Step } from '@capstan/contracts';
import { planByRules } from './index.ts';

const stepsFor = (request: Parameters<typeof planByRules>[0], feedback?: unknown): Step[] =>
  planSchema.parse(planByRules(request, feedback)).steps;
const brief = (steps: readonly Step[]) =>
  steps.map(({ id, capability, input, depends_on, risk }) => ({
    id,
    capability,
    input,
    after: depends_on?.[0],
    ...(risk ? { risk } : {}),
  }));

test('a goal without a list is asked of a person, as it is', () => {
  const steps = stepsFor({
    title: 'Implement invoice PDF export',
    description: 'Add PDF export support to the billing dashboard.',
  });
  assert.equal(steps.length, 1);
  assert.deepEqual([steps[0]?.id, steps[0]?.capability], ['implement-invoice-pdf-export', 'input']);
  assert.match(String(steps[0]?.input?.['text']), /Implement invoice PDF export\n\nAdd PDF export/);
});

test('each entry of a list becomes one step, one after another, by its words', () => {
  const description = [
    'We need this. The command `rm -rf /` in this sentence is not work.',
    '1. Run `npm test`',
    '2. `npm run build && cp a b`',
    '3. Fetch https://example.com/health.',
    '4. Wait 5 seconds',
    '5. Get approval of the team lead',
    '6. Which version is it?',
    '7. Write the release notes',
    '   with all names in them',
    '- [ ] Run `kubectl apply -f x.yaml` in production',
  ].join('\n');
  const steps = stepsFor({ title: 'T', description });
  assert.deepEqual(brief(steps), [
    { id: 'run-npm-test', capability: 'shell', input: { command: ['npm', 'test'] }, after: undefined },
    {
      id: 'npm-run-build-cp-a-b',
      capability: 'shell',
      input: { command: 'npm run build && cp a b', shell: true },
      after: 'run-npm-test',
    },
    {
      id: 'fetch-https-example-com-health',
      capability: 'http',
      input: { method: 'GET', url: 'https://example.com/health' },
      after: 'npm-run-build-cp-a-b',
    },
    { id: 'wait-5-seconds', capability: 'wait', input: { ms: 5_000 }, after: 'fetch-https-example-com-health' },
    {
      id: 'get-approval-of-the-team-lead',
      capability: 'approval',
      input: { text: 'Get approval of the team lead' },
      after: 'wait-5-seconds',
    },
    {
      id: 'which-version-is-it',
      capability: 'input',
      input: { text: 'Which version is it?' },
      after: 'get-approval-of-the-team-lead',
    },
    {
      id: 'write-the-release-notes-with-all',
      capability: 'input',
      after: 'which-version-is-it',
      input: { text: 'Please do this, and say what came of it: Write the release notes with all names in them' },
    },
    {
      id: 'run-kubectl-apply-f-x-yaml',
      capability: 'shell',
      after: 'write-the-release-notes-with-all',
      risk: 'high',
      input: { command: ['kubectl', 'apply', '-f', 'x.yaml'] },
    },
  ]);
});

test('a block of commands is work, a block of anything else is not', () => {
  const description = 'Do:\n```sh\n# first\n$ make\nmake install | tee log\n```\nNot:\n```json\n- {"a": 1}\n```\n';
  assert.deepEqual(
    stepsFor({ title: 'T', description }).map(({ input }) => input),
    [{ command: ['make'] }, { command: 'make install | tee log', shell: true }],
  );
});

test('criteria with a command are checked, those in words are accepted by a person', () => {
  const steps = stepsFor({
    title: 'T',
    description: '- `make`',
    acceptance_criteria: ['`npm test` passes', 'It looks good', 'It has `foo`'],
  });
  assert.deepEqual(
    steps.map(({ id, capability, phase, depends_on }) => [id, capability, phase, depends_on]),
    [
      ['make', 'shell', 'work', []],
      ['verify', 'verify', 'acceptance', ['make']],
      ['accept', 'approval', 'acceptance', ['verify']],
    ],
  );
  assert.deepEqual(steps[1]?.input?.['checks'], [
    { name: '`npm test` passes', command: ['npm', 'test'], category: 'custom' },
  ]);
  assert.match(String(steps[2]?.input?.['text']), /- It looks good\n- It has `foo`$/);
});

test('what people wrote is never an expression', () => {
  const text = JSON.stringify(
    stepsFor({
      title: 'Use ${{ params.x }}',
      description: '- Do ${{ task.id }}\n- `echo ${{ secrets.A }}`',
      acceptance_criteria: ['${{ a.b }}'],
    }),
  );
  assert.equal(text.includes('${{'), false);
  assert.equal(text.includes('$ {{ task.id }}'), true);
});

test('feedback on an earlier plan is put before a person first, and constraints before whoever does it', () => {
  const steps = stepsFor(
    { title: 'T', description: '- Paint it', constraints: ['Only blue'] },
    { reason: 'wrong colour' },
  );
  assert.equal(steps[0]?.id, 'decide-what-to-do-differently');
  assert.match(String(steps[0]?.input?.['text']), /wrong colour/);
  assert.deepEqual(steps[1]?.input?.['constraints'], ['Only blue']);
});

test('ids are valid and unique whatever the title', () => {
  const steps = stepsFor({
    title: 'T',
    description: ['- 日本語', '- 日本語', '- !!!', `- ${'long '.repeat(50)}`, '- _plan', '- Ünïcödé'].join('\n'),
  });
  const ids = steps.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(ids.slice(0, 3), ['step', 'step-2', 'step-3']);
});

test('a text made to be slow is not', () => {
  const startedAt = performance.now();
  for (const text of [
    '- '.repeat(30_000),
    `- ${'`'.repeat(60_000)}`,
    `- run ${'a '.repeat(30_000)}`,
    `- get ${'x'.repeat(60_000)}`,
    '\n'.repeat(60_000),
  ])
    stepsFor({ title: 'T', description: text });
  assert.ok(performance.now() - startedAt < 2_000);
});
