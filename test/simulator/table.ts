// The planted faults and the first seed that finds each, as the documentation lists them.
import { bugs } from './bugs.ts';

export const tableOf = (known: Readonly<Record<string, readonly number[]>>): string =>
  [
    '| Planted fault | What it would do to somebody | Where | First seed that finds it |',
    '| --- | --- | --- | ---: |',
    ...bugs.map(
      ({ name, harm, file }) => `| \`${name}\` | ${harm} | \`${file}\` | ${known[name]?.[0] ?? 'not looked for yet'} |`,
    ),
  ].join('\n');
