// Open tasks that wait for long are let go of, once they are stored: what a hundred thousand of them take in memory makes each collection of
// garbage long, and so every step of every other task. An event, their next due time or a question brings them back, as after a restart.
import { limits } from '@capstan/contracts';
import { type Actor, uncoveredFrom } from './actor.ts';
import type { Progress } from './checkpoint.ts';
import type { World } from './world.ts';

export interface RestingParts {
  readonly world: World;
  readonly actors: { values(): Iterable<Actor> };
  readonly progress: Progress;
  /** It is on its way into memory, or is held there for another reason. */
  readonly isNeeded: (task: string) => boolean;
  /** Takes it out of memory; at its due time it is to come back. */
  readonly rest: (actor: Actor, due: number | null) => void;
}

/** Looks now and then at who may rest. Returns what ends that. */
export const letRest = ({ world, actors, progress, isNeeded, rest }: RestingParts): (() => void) =>
  world.clock.every(limits.restEveryMs, () => {
    const idleSince = world.clock.now() - limits.restAfterMs;
    for (const actor of actors.values()) {
      if (actor.dirtySince > idleSince || uncoveredFrom(actor) !== null || actor.unsaid > 0 || actor.held > 0) continue;
      const open = progress.open.get(actor.id);
      // Whoever looks for a queue is told by nothing but the agents that come and go.
      if (open === undefined || open.routing || isNeeded(actor.id)) continue;
      rest(actor, open.due);
    }
  });
