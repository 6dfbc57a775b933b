// The examples of the contract, written out by hand: each is taken, and nothing in it is lost.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { z } from 'zod';
import { agentRecord, cancel, logLine, progress } from './agent.ts';
import { apiError } from './api.ts';
import { order } from './order.ts';
import { plan, retry } from './plan.ts';
import { report } from './report.ts';
import { submission, submitted } from './submission.ts';
import { taskRecord } from './task.ts';

const at = '2026-11-20T09:30:00.000Z';
const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

const examples: Record<string, { schema: z.ZodType; body: Record<string, unknown> }> = {
  submission: {
    schema: submission,
    body: {
      task_id: 'feature-1087',
      title: 'Implement invoice PDF export',
      description: 'As asked for by accounting',
      priority: 'high',
      template: { name: 'deploy-feature', params: { pr: 123 } },
      plan: { steps: [{ id: 'unit', capability: 'shell' }] },
      plan_ref: { ref: 'capstan_artifacts/uploads/plan-1087.json', sha256 },
      constraints: ['No new dependency'],
      acceptance_criteria: ['An invoice of ten pages is exported'],
      strict: false,
      mode: 'auto',
      start: true,
      checkpoints: ['merge'],
      on_failure: 'stop',
      deadline: '2026-12-01T00:00:00Z',
      budget: { tokens: 200_000, wall_ms: 3_600_000, steps: 500 },
      thresholds: { max_major: 0, max_medium: 5 },
      tenant: 'default',
      requester: 'product-management',
      callback_url: 'https://example.com/hook',
      metadata: { repository: 'git@example.com:a/b.git', due_date: '2026-12-01', requester: 'product-management' },
    },
  },
  submitted: { schema: submitted, body: { task_id: 'feature-1087', status: 'queued', created: true, warnings: [] } },
  plan: {
    schema: plan,
    body: {
      params: { run_tests: true },
      phases: [
        { name: 'development', gate: { min_success_rate: 1 } },
        { name: 'monitoring', feedback_to: 'development', max_loops: 2 },
      ],
      thresholds: { max_major: 0 },
      steps: [
        {
          id: 'unit',
          title: 'Run unit tests',
          description: 'All of them',
          phase: 'development',
          capability: 'shell',
          input: { command: ['npm', 'test'] },
          needs: { os: 'linux' },
          depends_on: [],
          when: 'params.run_tests != false',
          risk: 'low',
          approval: { roles: ['tech_lead'], expires_ms: 86_400_000 },
          retry: {
            max_attempts: 3,
            initial_delay_ms: 1_000,
            multiplier: 2,
            max_delay_ms: 60_000,
            jitter: 0.2,
            non_retryable: ['invalid_input'],
          },
          timeout_ms: 600_000,
          heartbeat_ms: 30_000,
          sla_ms: 900_000,
          on_failure: 'fail',
          sandbox: {
            image: 'node:24',
            egress: ['api.github.com:443'],
            cpu: 1,
            memory_mb: 512,
            pids: 128,
            disk_mb: 1_024,
          },
          criteria: ['All unit tests pass'],
          verify: [{ command: ['npm', 'run', 'lint'] }],
          undo: { capability: 'shell', input: { command: ['git', 'revert', 'HEAD'] } },
          complexity: 'medium',
        },
        { id: 'shard', capability: 'noop', each: { count: 5_000 } },
        // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of Capstan's, not of JavaScript's
        {
          id: 'file',
          capability: 'noop',
          each: { items: '${{ steps.unit.output.files }}' },
          depends_on: ['shard', 'development'],
        },
      ],
    },
  },
  order: {
    schema: order,
    body: {
      v: 1,
      task_id: 'feature-1087',
      step_id: 'unit',
      attempt: 1,
      capability: 'shell',
      input: {},
      lease: 'l34s3',
      report_to: 'capstan.event.7.feature-1087.report.executor.unit.1.l34s3',
      deadline: at,
      heartbeat_ms: 30_000,
      last_failure: { code: 'tests_failed', message: '2 of 130 failed' },
      answer: { value: {}, by: 'alice', at },
      state: {},
      context: { title: 'Implement invoice PDF export', outputs: {}, artifacts: [] },
      sandbox: {},
      tenant: 'default',
    },
  },
  report: {
    schema: report,
    body: {
      v: 1,
      task_id: 'feature-1087',
      step_id: 'unit',
      attempt: 1,
      lease: 'l34s3',
      agent: 'executor.7f3a',
      outcome: 'succeeded',
      output: {},
      error: { code: 'tests_failed', message: '2 of 130 failed', retryable: true, retry_after_ms: 0 },
      artifacts: [],
      findings: [{ severity: 'major', category: 'test', message: 'fails', location: 'a.ts:12' }],
      usage: { tokens_in: 0, tokens_out: 0, wall_ms: 812 },
      add_steps: [],
      question: { text: 'Which branch?', schema: {}, expires_ms: 86_400_000, state: {} },
    },
  },
  agent: {
    schema: agentRecord,
    body: {
      v: 1,
      queue: 'executor',
      instance: '7f3a',
      domain: 'build',
      capabilities: ['shell'],
      tags: { os: 'linux' },
      concurrency: 4,
      busy: 1,
      version: '1.2.0',
      started_at: at,
      health: 'ok',
    },
  },
  task: {
    schema: taskRecord,
    body: {
      v: 1,
      task_id: 'feature-1087',
      title: 'Implement invoice PDF export',
      tenant: 'default',
      priority: 'high',
      requester: 'product-management',
      status: 'running',
      reason: null,
      phase: 'development',
      mode: 'auto',
      plan_hash: sha256,
      seq: 812,
      created_at: at,
      started_at: at,
      finished_at: null,
      updated_at: at,
      counts: { pending: 3, running: 2, succeeded: 4, failed: 0 },
      steps: {
        unit: {
          status: 'succeeded',
          depends_on: [],
          attempt: 1,
          agent: 'executor.7f3a',
          queue: 'executor',
          started_at: at,
          finished_at: at,
          output: {},
          error: null,
          attempts: [
            { n: 1, agent: 'executor.7f3a', started_at: at, finished_at: at, outcome: 'succeeded', error: null },
          ],
          findings: { major: 0, medium: 1, minor: 2 },
          waiting_for: null,
        },
      },
      status_history: [{ status: 'running', at, by: 'capstan' }],
      artifacts: [
        { step: 'unit', attempt: 1, name: 'report.xml', size: 812, sha256, ref: 'capstan_artifacts/a/b/1/report.xml' },
      ],
      interventions: ['i1'],
      result: {},
      usage: { tokens_in: 0, tokens_out: 0, wall_ms: 1_482 },
    },
  },
  progress: {
    schema: progress,
    body: { attempt: 1, agent: 'executor.7f3a', kind: 'started', percent: 40, message: 'compiling' },
  },
  cancel: { schema: cancel, body: { attempt: 1, reason: 'asked by alice', force_at: at } },
  'log line': { schema: logLine, body: { attempt: 1, seq: 1, stream: 'stdout', text: 'ok', at } },
  error: {
    schema: apiError,
    body: {
      error: {
        code: 'invalid',
        message: 'The plan has a cycle: a → b → a.',
        hint: 'Remove one of the two.',
        fields: [{ path: 'plan.steps[1].depends_on[0]', issue: 'closes the cycle' }],
      },
    },
  },
};

for (const [name, { schema, body }] of Object.entries(examples)) {
  describe(name, () => {
    test('is taken as the contract shows it', () => assert.deepEqual(schema.parse(body), body));

    test('keeps a field that nobody knows', () => {
      const later = { ...body, from_a_later_version: { deep: [1] } };
      assert.deepEqual(schema.parse(later), later);
    });

    test('keeps unknown fields of its objects too', () => {
      const later = mark(body);
      assert.deepEqual(schema.parse(later), later);
    });

    test('is refused in another major version', () => {
      assert.ok(schema.safeParse({ ...body, v: 1 }).success);
      assert.ok(!schema.safeParse({ ...body, v: 2 }).success);
    });
  });
}

test('a smallest plan is a step with an id and a capability', () => {
  assert.ok(plan.safeParse({ steps: [{ id: 'a', capability: 'noop' }] }).success);
  assert.ok(!plan.safeParse({ steps: [{ id: 'a' }] }).success);
  assert.ok(!plan.safeParse({ steps: [] }).success);
});

test("a key that would reach an object's prototype does not come through", () => {
  const body = JSON.parse('{"title":"a","__proto__":{"x":1},"metadata":{"__proto__":{"x":1},"constructor":"kept"}}');
  const parsed = submission.parse(body);
  assert.equal((parsed as { x?: unknown }).x, undefined);
  assert.deepEqual(Object.keys(parsed.metadata ?? {}), ['constructor']);
});

/** These map a name to something, so one more key in them would be one more of it. */
const byName = new Set(['counts', 'needs', 'tags', 'steps']);

/** The body with one more field in every object whose fields are declared. */
function mark(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => mark(item));
  if (typeof value !== 'object' || value === null) return value;
  const marked = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mark(item, key)]));
  return byName.has(name) ? marked : { ...marked, later: true };
}

test('rules of retries that contradict each other are refused, at the place where they do', () => {
  const issues = (said: object) => {
    const { error } = retry.safeParse(said);
    return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
  };
  assert.deepEqual(issues({ retryable: ['busy'], codes: { slow: { max_attempts: 2, retryable: true } } }), []);
  assert.deepEqual(issues({ retryable: ['a'], non_retryable: ['a'] }), [
    'retryable: "a" is in non_retryable as well; say which of the two is meant',
  ]);
  assert.deepEqual(issues({ non_retryable: ['a'], codes: { a: { retryable: true } } }), [
    'codes.a.retryable: "a" is in non_retryable; say which of the two is meant',
  ]);
  assert.match(issues({ codes: { a: { max_attempts: 0 } } })[0] ?? '', /^codes\.a\.max_attempts: /);
});
