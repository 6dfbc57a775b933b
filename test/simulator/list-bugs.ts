// Further faults that are planted on purpose: in the lists that partitions keep of their tasks and of what they ask.
import type { Bug } from './bugs.ts';

export const listBugs: readonly Bug[] = [
  {
    name: 'lists-not-stored',
    harm: 'after a crash what was done last is on no list',
    file: 'services/coordinator/src/checkpoint.ts',
    from: 'JSON.stringify({ ...checkpoint, lists: lists.stored(), opened } satisfies Stored)',
    to: 'JSON.stringify({ ...checkpoint, lists: { whole: true, tasks: [], asked: [] }, opened })',
  },
  {
    name: 'asked-and-unlisted',
    harm: 'what was asked just before a crash waits for a person who never sees it',
    file: 'services/coordinator/src/partition.ts',
    from: 'await listAgain(world, progress.lists, loaded.actor);',
    to: '{}',
  },
  {
    name: 'listed-as-it-was',
    harm: 'a task that has ended is listed as running',
    file: 'services/coordinator/src/checkpoint.ts',
    from: `        lists.tasks.put(listed);
        if (known === undefined) return;`,
    to: '        if (known === undefined) return;',
  },
];
