// Tasks whose orders wait for their turn here and may have left under whoever had the partition before: the names of these orders must stay taken.
import type { Actor } from './actor.ts';

export interface Owing {
  /** Looks at a task of which something was performed. */
  look(actor: Actor): void;
  any(): boolean;
}

/** Whatever is decided up to there may have been decided before; `isHere` says whether that task is still in memory. */
export const newOwing = (knownUpTo: number, isHere: (actor: Actor) => boolean): Owing => {
  const owing = new Set<Actor>();
  return {
    look: (actor) => {
      if (actor.held > 0 && actor.state.seq <= knownUpTo) owing.add(actor);
    },
    any: () => {
      for (const actor of owing) {
        if (actor.held > 0 && isHere(actor)) return true;
        owing.delete(actor);
      }
      return false;
    },
  };
};
