// What was found, as the documentation lists it.
import type { Found } from './find-all.ts';

export const tableOf = (found: readonly Found[]): string =>
  [
    '| Planted fault | What it would do to somebody | Where | Seeds until found | Seconds |',
    '| --- | --- | --- | ---: | ---: |',
    ...found.map(
      ({ bug, seed, tried, ms }) =>
        `| \`${bug.name}\` | ${bug.harm} | \`${bug.file}\` | ${seed === null ? 'not found' : tried} | ${(ms / 1_000).toFixed(1)} |`,
    ),
  ].join('\n');
