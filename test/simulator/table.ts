// The planted faults, the first seed that finds each, and how many events it takes until then, as the documentation lists them.
import { bugs } from './bugs.ts';
import type { FoundBy } from './find-all.ts';

export const tableOf = (known: FoundBy): string =>
  [
    '| Planted fault | What it would do to somebody | Where | First seed that finds it | Events until then |',
    '| --- | --- | --- | ---: | ---: |',
    ...bugs.map(({ name, harm, file }) => {
      const { seed, events } = known[name] ?? { seed: 'not looked for yet', events: '' };
      return `| \`${name}\` | ${harm} | \`${file}\` | ${seed} | ${events.toLocaleString('en')} |`;
    }),
  ].join('\n');
