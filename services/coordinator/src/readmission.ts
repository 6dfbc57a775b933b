// A task that stood still is taken up again: from its snapshot, or from the log alone where that can't be read; then what was said meanwhile.
import { isBusError } from '@capstan/bus';
import type { Effect } from '@capstan/contracts';
import type { Actor, Mark } from './actor.ts';
import type { Progress } from './checkpoint.ts';
import type { Heard } from './hear.ts';
import { listAgain } from './lists/lists.ts';
import type { Quarantines, Release } from './quarantine.ts';
import { eventsOf, rebuildActor } from './rebuild.ts';
import type { References } from './references.ts';
import { askedInAnyTerm } from './say.ts';
import { loadActor, standsOf } from './snapshots.ts';
import type { World } from './world.ts';

export interface ReadmissionParts {
  readonly world: World;
  readonly references: References;
  readonly quarantines: Quarantines;
  readonly progress: Progress;
  readonly stopped: () => boolean;
  readonly keep: (actor: Actor, effects: readonly Effect[]) => void;
  readonly touch: (actor: Actor, mark: Mark) => void;
}

export const newReadmission =
  ({ world, references, quarantines, progress, stopped, keep, touch }: ReadmissionParts) =>
  async (task: string, wish: Release): Promise<readonly Heard[]> => {
    const asked = <T>(ask: () => Promise<T>): Promise<T> => askedInAnyTerm(world, ask);
    const why = quarantines.of(task)?.why;
    await quarantines.release(task, wish);
    try {
      const rebuilt =
        why === 'snapshot' ? await asked(() => rebuildActor(world, references, task, quarantines.stops)) : null;
      const loaded = why === 'snapshot' ? null : await loadActor(world, references, task);
      const actor = rebuilt?.actor ?? loaded?.actor ?? null;
      if (why === 'snapshot' && rebuilt === null) throw new Error('the log has no beginning of it');
      // The checkpoint passed it while it stood still, whether it was on the lists or not.
      if (actor !== null) await listAgain(world, progress.lists, actor);
      if (actor !== null && !stopped()) {
        if (rebuilt !== null) touch(actor, rebuilt.last);
        progress.covered(actor, actor.state, loaded?.owes ?? false);
        keep(actor, rebuilt?.effects ?? (loaded === null ? [] : standsOf(loaded)));
      }
      return rebuilt === null ? await asked(() => eventsOf(world, task, actor?.state.seq ?? 0)) : [];
    } catch (error) {
      if (isBusError(error) && error.code !== 'corrupt') throw error;
      await quarantines.put(task, null, error);
      return [];
    }
  };
