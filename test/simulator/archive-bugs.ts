// Further faults that are planted on purpose: in how what ended long ago goes to the archive, and in what is forgotten after that.
import type { Bug } from './bugs.ts';

const archive = (file: string): string => `services/coordinator/src/archive/${file}.ts`;

export const archiveBugs: readonly Bug[] = [
  {
    name: 'kept-back-and-dropped',
    harm: 'what is said to a task while somebody looks whether it may go is lost, though it stays',
    file: 'services/coordinator/src/arrivals.ts',
    from: 'setOut(task, null, work, parts.take)',
    to: 'setOut(task, null, work, parts.apply)',
  },
  {
    name: 'archived-and-kept',
    harm: 'a task is in the archive, and goes on in the bucket',
    file: archive('archiving'),
    from: '[...chosen.flatMap(({ removals }) => removals), ...pages]',
    to: 'pages',
  },
  {
    name: 'named-before-it-is-put',
    harm: 'whoever dies in between has taken tasks away that are nowhere',
    file: archive('archiving'),
    from: 'await bus.objects(names.buckets.artifacts).put(archiveObject(number, name), data);',
    to: 'world.clock.later(5, () => void bus.objects(names.buckets.artifacts).put(archiveObject(number, name), data).catch(() => {}));',
  },
  {
    name: 'batches-left-behind',
    harm: 'each death in archiving leaves an object for ever',
    file: archive('archiving'),
    from: 'const writing = [...before.head.writing, { name, at: world.clock.now() }];',
    to: 'const writing = before.head.writing;',
  },
  {
    name: 'log-purged-past-what-is-kept',
    harm: 'a task that goes on has lost its beginning',
    file: 'services/coordinator/src/checkpoint.ts',
    from: 'mark: Math.min(seq, opened.tasks.first()),',
    to: 'mark: seq,',
  },
  {
    name: 'forgets-unannounced',
    harm: 'for some seconds ids of archived tasks are free',
    file: archive('purge-events'),
    from: 'if (isSaid) return;',
    to: 'if (1 > 0) return;',
  },
  {
    name: 'archived-ids-are-free',
    harm: 'a task that is sent again is done again',
    file: 'services/coordinator/src/say-submitted.ts',
    from: 'if (await world.archive.mayHaveAlone(task)) return { seq: 0, again: true };',
    to: '',
  },
  {
    name: 'what-was-asked-stays-listed',
    harm: 'whoever looks into the inbox finds what nobody waits for',
    file: archive('sweep'),
    from: '      unlist(progress, tasks);\n',
    to: '',
  },
  {
    name: 'archived-without-its-first-words',
    harm: 'nobody can see any more how a task began',
    file: archive('gather'),
    from: 'after: Math.max(0, first - 1)',
    to: 'after: first',
  },
];
