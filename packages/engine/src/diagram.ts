// Draws the tables of legal transitions for docs/state-machine.md: `node packages/engine/src/diagram.ts` prints what stands between its
// markers. A test holds the page against it.
import { stepStatuses, taskStatuses } from '@capstan/contracts';
import { stepTransitions, taskTransitions } from './transitions.ts';

type Table = Readonly<Record<string, Readonly<Partial<Record<string, string>>>>>;

export const markers = { begin: '<!-- transitions: begin -->', end: '<!-- transitions: end -->' } as const;

/** A status that ends a step or a task: it is left only where a person brings it back. */
const ends = ['succeeded', 'failed', 'skipped', 'cancelled'];

const diagram = (table: Table, first: readonly string[]): string => {
  const lines = ['```mermaid', 'stateDiagram-v2', ...first.map((status) => `  [*] --> ${status}`)];
  for (const [from, to] of Object.entries(table)) {
    // Going back is drawn nowhere: it leads from everywhere to the beginning, and would hide all the rest.
    const shown = Object.keys(to).filter((status) => !isBack(from, status));
    lines.push(...shown.map((status) => `  ${from} --> ${status}`));
  }
  lines.push(...ends.filter((status) => Object.hasOwn(table, status)).map((status) => `  ${status} --> [*]`), '```');
  return lines.join('\n');
};

const isBack = (from: string, to: string): boolean => to === 'pending' || ends.includes(from);

const rows = (table: Table, statuses: readonly string[]): string => {
  const lines = ['| from | to | when |', '| --- | --- | --- |'];
  for (const from of statuses) {
    const to = Object.entries(table[from] ?? {});
    lines.push(...to.map(([status, why]) => `| \`${from}\` | \`${status}\` | ${why} |`));
  }
  return lines.join('\n');
};

/** All that stands between the markers. */
export const transitionsPage = (): string =>
  [
    '## A step',
    '',
    diagram(stepTransitions, ['pending']),
    '',
    rows(stepTransitions, stepStatuses),
    '',
    '## A task',
    '',
    diagram(taskTransitions, ['planning', 'running']),
    '',
    rows(taskTransitions, taskStatuses),
  ].join('\n');

if (import.meta.main) process.stdout.write(`${transitionsPage()}\n`);
