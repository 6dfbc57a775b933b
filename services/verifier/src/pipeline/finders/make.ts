// A Makefile, for what nothing else says: it often starts the others.
import type { Finder } from '../finder.ts';
import { type Stage, type Stages, stages } from '../stages.ts';

const targets: Readonly<Record<Stage, readonly string[]>> = {
  build: ['build', 'all'],
  test: ['test', 'check'],
  lint: ['lint'],
  security: ['security', 'audit'],
  custom: ['verify'],
};
const names = ['Makefile', 'makefile', 'GNUmakefile'];

export const make: Finder = {
  name: 'make',
  files: names,
  find: (files, found) => {
    const name = names.find((one) => files.has(one));
    if (name === undefined) return null;
    const known = new Set(
      [...(files.get(name) ?? '').matchAll(/^([A-Za-z][\w-]*)\s*::?(?!=)/gm)].map(([, target]) => target),
    );
    const made: Partial<Record<Stage, Stages[Stage]>> = {};
    for (const stage of stages) {
      const target = targets[stage].find((one) => known.has(one));
      if (target !== undefined && (found[stage] ?? []).length === 0) made[stage] = [{ command: ['make', target] }];
    }
    return made;
  },
};
