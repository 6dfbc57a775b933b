// The report of a task, for people and for programs: what was asked, planned, done, found, decided and produced, and what it took.
import { isEnded, type TaskRecord } from '@capstan/contracts';
import type { FoundFinding } from './findings.ts';

export interface TaskReport {
  readonly task_id: string;
  readonly title: string;
  readonly tenant: string;
  readonly requester: string | null;
  readonly status: string;
  readonly reason: string | null;
  readonly created_at: string;
  readonly finished_at: string | null;
  readonly elapsed_ms: number | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly steps: readonly StepLine[];
  readonly findings: { readonly major: number; readonly medium: number; readonly minor: number; readonly open: number };
  readonly interventions: readonly string[];
  readonly artifacts: TaskRecord['artifacts'];
  readonly usage: TaskRecord['usage'];
  readonly result: unknown;
}

interface StepLine {
  readonly id: string;
  readonly status: string;
  readonly attempts: number;
  readonly agent: string | null;
  readonly elapsed_ms: number | null;
  readonly error: string | null;
  readonly waiting_for: string | null;
}

/** More are in the record itself. */
const stepsMax = 1_000;

export const reportOf = (record: TaskRecord, findings: readonly FoundFinding[]): TaskReport => {
  const count = (severity: string) => findings.filter((one) => one.severity === severity).length;
  return {
    task_id: record.task_id,
    title: record.title,
    tenant: record.tenant,
    requester: record.requester,
    status: record.status,
    reason: record.reason,
    created_at: record.created_at,
    finished_at: record.finished_at,
    elapsed_ms: span(record.created_at, record.finished_at),
    counts: record.counts,
    steps: Object.entries(record.steps)
      .slice(0, stepsMax)
      .map(([id, step]) => ({
        id,
        status: step.status,
        attempts: step.attempt,
        agent: step.agent,
        elapsed_ms: span(step.started_at, step.finished_at),
        error: step.error === null ? null : `${step.error.code}: ${step.error.message}`,
        waiting_for: isEnded(step.status) ? null : step.waiting_for,
      })),
    findings: {
      major: count('major'),
      medium: count('medium'),
      minor: count('minor'),
      open: findings.filter(({ resolved }) => resolved === null).length,
    },
    interventions: record.interventions,
    artifacts: record.artifacts,
    usage: record.usage,
    result: record.result,
  };
};

const span = (from: string | null, to: string | null): number | null =>
  from === null || to === null ? null : Date.parse(to) - Date.parse(from);

export const markdownOf = (report: TaskReport, findings: readonly FoundFinding[]): string => {
  const lines = [
    `# ${line(report.title)}`,
    '',
    `Task \`${report.task_id}\` of tenant ${report.tenant}${report.requester === null ? '' : `, asked for by ${line(report.requester)}`}: **${report.status}**${report.reason === null ? '' : `, ${line(report.reason)}`}.`,
    '',
    `Submitted ${report.created_at}${report.finished_at === null ? '' : `, ended ${report.finished_at}, after ${seconds(report.elapsed_ms)}`}. ` +
      `${report.usage.tokens_in} tokens in, ${report.usage.tokens_out} out.`,
    '',
    '## Steps',
    '',
    '| Step | Status | Attempts | Agent | Took | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...report.steps.map(
      (step) =>
        `| ${cell(step.id)} | ${step.status} | ${step.attempts} | ${cell(step.agent ?? '')} | ${seconds(step.elapsed_ms)} | ${cell(step.error ?? step.waiting_for ?? '')} |`,
    ),
  ];
  if (findings.length > 0)
    lines.push(
      '',
      '## Findings',
      '',
      '| Severity | Category | Where | What | |',
      '| --- | --- | --- | --- | --- |',
      ...findings.map(
        (one) =>
          `| ${one.severity} | ${cell(one.category)} | ${cell(one.location ?? one.step_id)} | ${cell(one.message)} | ${one.resolved === null ? '' : cell(`resolved by ${one.resolved.by}`)} |`,
      ),
    );
  if (report.artifacts.length > 0)
    lines.push(
      '',
      '## Artifacts',
      '',
      ...report.artifacts.map(
        ({ name, step, size, sha256 }) => `* ${cell(name)} of ${step}, ${size} bytes, sha256 \`${sha256}\``,
      ),
    );
  if (report.result !== null)
    lines.push('', '## Result', '', '```json', JSON.stringify(report.result, null, 2).slice(0, 20_000), '```');
  return `${lines.join('\n')}\n`;
};

const seconds = (ms: number | null): string => (ms === null ? '' : `${(ms / 1_000).toFixed(1)} s`);

/** What others wrote must not become a heading, a row or a tag of its own. */
const line = (text: string): string =>
  text.replaceAll(/[\r\n]+/g, ' ').replaceAll(/[<>]/g, (sign) => (sign === '<' ? '&lt;' : '&gt;'));
const cell = (text: string): string => line(text).replaceAll('|', String.raw`\|`).slice(0, 500);
