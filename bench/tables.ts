// The lines of `npm run bench` as tables in Markdown.
import type { Figures } from './measure.ts';

export interface BenchLine extends Partial<Figures> {
  readonly bench: string;
  readonly [name: string]: unknown;
}

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  rows.length === 0 ? '' : [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n') + '\n';

const isMeasured = (line: BenchLine): line is BenchLine & Figures => line.cpu_s_per_1000_steps !== undefined;

/** `coordinator-3` counts as a coordinator. */
const ofKind = (figures: Readonly<Record<string, number>>, kind: string): number =>
  Object.entries(figures)
    .filter(([name]) => name === kind || name.startsWith(`${kind}-`))
    .reduce((sum, [, value]) => sum + value, 0);

const kinds = ['nats-server', 'coordinator', 'executor', 'client'];

/** Throughput, latency, processor time, memory, what was stored. */
export const measured = (lines: readonly BenchLine[]): string =>
  table(
    [
      '',
      'steps/s',
      'p50 ms',
      'p99 ms',
      'CPU s per 1,000 steps',
      ...kinds,
      'peak MiB',
      'stored per step',
      'bytes per step',
      'foreign cores',
    ],
    lines.filter(isMeasured).map((line) => [
      nameOf(line),
      Math.round(line.steps_per_s),
      line.latency_ms.p50,
      line.latency_ms.p99,
      line.cpu_s_per_1000_steps['total'] ?? 0,
      ...kinds.map((kind) => Number(ofKind(line.cpu_s_per_1000_steps, kind).toFixed(3))),
      kinds
        .slice(0, 3)
        .map((kind) => Math.round(ofKind(line.peak_memory_mib, kind)))
        .join(' · '),
      line.persisted_per_step.messages,
      line.persisted_per_step.bytes,
      line.foreign_cores,
    ]),
  );

const nameOf = (line: BenchLine): string => {
  const strict = line['strict'];
  const [open, coordinators] = [line['open'], Number(line['coordinators'] ?? 1)];
  const notes = [
    ...(open === undefined ? [] : [`${Number(open).toLocaleString('en')} open`]),
    ...(coordinators === 1 ? [] : [`${coordinators} coordinators`]),
    ...(strict === true ? ['strict'] : []),
  ];
  return [line.bench, ...notes].join(', ');
};

/** What else the lines say, as they say it. */
export const remarked = (lines: readonly BenchLine[]): string =>
  lines
    .filter((line) => !isMeasured(line))
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
