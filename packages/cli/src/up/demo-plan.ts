// The plan of the demonstration: steps side by side, one that fails at first, data that flows, a risk that somebody must take, a join.
import type { Step, Submission } from '@capstan/contracts';

/** None of these steps takes long, so what a killed executor had begun needn't be waited for. */
const timeoutMs = 10_000;

export const demoTask = (taskId: string): Submission => ({
  task_id: taskId,
  title: 'Demonstration: release the invoice export',
  requester: 'capstan up',
  plan: {
    params: { version: '1.4.2' },
    steps: steps.map((step) => ({ ...step, timeout_ms: timeoutMs })),
  },
});

const steps: readonly Step[] = [
  {
    id: 'prepare',
    title: 'Prepare the release',
    capability: 'echo',
    input: { version: '${{ params.version }}', files: 12 },
  },
  { id: 'lint', title: 'Check the style', capability: 'wait', input: { ms: 900 }, depends_on: ['prepare'] },
  {
    id: 'unit',
    title: 'Run the tests, which are flaky today',
    capability: 'fail',
    input: { times: 1, code: 'flaky', retryable: true },
    depends_on: ['prepare'],
    retry: { max_attempts: 3, initial_delay_ms: 1_200, jitter: 0 },
  },
  { id: 'docs', title: 'Build the pages', capability: 'wait', input: { ms: 1_600 }, depends_on: ['prepare'] },
  {
    id: 'package',
    title: 'Pack what the others made',
    capability: 'echo',
    input: {
      archive: 'invoice-export-${{ steps.prepare.output.version }}.tar.gz',
      files: '${{ steps.prepare.output.files }}',
    },
    depends_on: ['lint', 'unit', 'docs'],
  },
  {
    id: 'release',
    title: 'Release it',
    capability: 'echo',
    input: { released: '${{ steps.package.output.archive }}' },
    depends_on: ['package'],
    risk: 'high',
  },
  {
    id: 'announce',
    title: 'Tell everybody',
    capability: 'echo',
    input: { text: '${{ steps.release.output.released }} is out' },
    depends_on: ['release'],
  },
];
