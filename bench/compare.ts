// The lines that a bench of several engines wrote, as a table of ratios against BullMQ: worst and median of the paired rounds.
import { quantile } from './measure.ts';
import { type Target, targets } from './targets.ts';

export interface PeerLine {
  readonly peer: string;
  readonly measure: string;
  readonly rep: number;
  readonly tasksPerSec: number;
  readonly latencyMs: { readonly p50: number };
  readonly cpuSecPer1000Tasks: { readonly total: number };
  readonly errors?: unknown;
  readonly timedOut?: boolean;
  readonly noise?: { readonly disturbed: boolean };
}

const value = (line: PeerLine, { of }: Target): number =>
  of === 'throughput' ? line.tasksPerSec : of === 'cpu' ? line.cpuSecPer1000Tasks.total : line.latencyMs.p50;

/** One row for each target of which there are rounds of both. */
const tableOf = (lines: readonly PeerLine[], ours: string, theirs: string, kind: 'relaxed' | 'strict'): string[] =>
  targets.flatMap((target) => {
    const of = (peer: string) => lines.filter((line) => line.peer === peer && line.measure === target.measure);
    const pairs = of(ours).flatMap((line) => {
      const other = of(theirs).find(({ rep }) => rep === line.rep);
      return other === undefined ? [] : [[line, other] as const];
    });
    if (pairs.length === 0) return [];
    const moreIsBetter = target.of === 'throughput';
    const ratios = pairs.map(([our, their]) => value(our, target) / value(their, target));
    const worst = moreIsBetter ? Math.min(...ratios) : Math.max(...ratios);
    const [must, aim] = target[kind];
    const reaches = (goal: number) => (moreIsBetter ? worst >= goal : worst <= goal);
    const mark = reaches(aim) ? 'aim reached' : reaches(must) ? 'reached' : '**not reached**';
    const wrong = pairs.some((pair) => pair.some(({ errors, timedOut }) => errors !== undefined || timedOut));
    const disturbed = pairs.filter((pair) => pair.some(({ noise }) => noise?.disturbed)).length;
    const figure = (peer: 0 | 1) =>
      quantile(
        pairs.map((pair) => value(pair[peer], target)),
        0.5,
      ).toPrecision(3);
    const notes = [mark, ...(wrong ? ['with errors'] : []), ...(disturbed > 0 ? [`${disturbed} disturbed`] : [])];
    return [
      `| ${target.says} | ${ratios.length} | ${Number(figure(0))} | ${Number(figure(1))} | ${worst.toFixed(2)} | ${quantile(ratios, 0.5).toFixed(2)} | ${must} | ${aim} | ${notes.join(', ')} |`,
    ];
  });

const head = (title: string) =>
  `${title}\n\n| | rounds | Capstan | BullMQ | worst ratio | median ratio | must | aim | |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |`;

const kinds = [
  ["Relaxed: Capstan with the server's usual sync, BullMQ with `appendfsync everysec`", 'capstan', 'bullmq', 'relaxed'],
  [
    'Strict: Capstan with `sync_interval: always`, BullMQ with `appendfsync always`',
    'capstan-always',
    'bullmq-always',
    'strict',
  ],
] as const;

/** In Markdown; empty where there are no rounds of both. */
export const compared = (lines: readonly PeerLine[]): string =>
  kinds
    .map(([title, ours, theirs, kind]) => [head(title), tableOf(lines, ours, theirs, kind)] as const)
    .flatMap(([top, rows]) => (rows.length === 0 ? [] : [`${top}\n${rows.join('\n')}\n`]))
    .join('\n');
