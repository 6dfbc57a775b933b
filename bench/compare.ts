// Renders the lines that a bench of several engines wrote as a table of ratios against BullMQ, worst and median of the paired rounds.
//   node bench/compare.ts FILE.jsonl ...
import { readFileSync } from 'node:fs';
import { quantile } from './measure.ts';
import { type Target, targets } from './targets.ts';

interface Line {
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

const value = (line: Line, { of }: Target): number =>
  of === 'throughput' ? line.tasksPerSec : of === 'cpu' ? line.cpuSecPer1000Tasks.total : line.latencyMs.p50;

/** The files in turn; a round of one is no round of another. */
export const readLines = (files: readonly string[]): Line[] =>
  files.flatMap((file, at) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((text) => text.startsWith('{'))
      .map((text) => JSON.parse(text) as Line)
      .filter(({ tasksPerSec }) => tasksPerSec !== undefined)
      .map((line) => ({ ...line, rep: line.rep + at * 1_000 })),
  );

/** One row for each target of which there are rounds of both. */
export const tableOf = (lines: readonly Line[], ours: string, theirs: string, kind: 'relaxed' | 'strict'): string[] =>
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

if (import.meta.main) {
  const files = process.argv.slice(2);
  if (files.length === 0) {
    process.stderr.write('usage: node bench/compare.ts FILE.jsonl ...   (lines of the peers, see bench/README.md)\n');
    process.exit(2);
  }
  const lines = readLines(files);
  const tables = [
    [
      "Relaxed: Capstan with the server's usual sync, BullMQ with `appendfsync everysec`",
      'capstan',
      'bullmq',
      'relaxed',
    ],
    [
      'Strict: Capstan with `sync_interval: always`, BullMQ with `appendfsync always`',
      'capstan-always',
      'bullmq-always',
      'strict',
    ],
  ] as const;
  for (const [title, ours, theirs, kind] of tables) {
    const rows = tableOf(lines, ours, theirs, kind);
    if (rows.length > 0) process.stdout.write(`${head(title)}\n${rows.join('\n')}\n\n`);
  }
}
