// An actor that stood still hears what was said to it meanwhile: it is in memory as it was, and the log has the rest.
import type { Quarantine } from '@capstan/contracts';
import type { Arrivals } from '../arrivals.ts';
import type { Quarantines, Release } from '../quarantine.ts';
import { eventsOf } from '../rebuild.ts';
import type { World } from '../world.ts';
import type { ActorHost } from './host.ts';

export interface ActorReadmission {
  readonly world: World;
  readonly arrivals: Arrivals;
  readonly quarantines: Quarantines;
  readonly others: ActorHost;
}

/** Resolves once it has decided on all of it and that is stored; with why it stands still again, where it does. */
export const readmitActor = async (
  { world, arrivals, quarantines, others }: ActorReadmission,
  id: string,
  wish: Release,
): Promise<Quarantine | null> => {
  let lifted: ReturnType<Quarantines['lift']> | null = null;
  await arrivals.begin(id, null, async () => {
    const said = await eventsOf(world, id, others.decidedUpTo(id));
    lifted = quarantines.lift(id, wish);
    return said;
  });
  // It may have set out again at once: one of them can't be decided on.
  await arrivals.of(id);
  if (quarantines.of(id) !== null || lifted === null) return quarantines.of(id);
  await others.settle();
  // Last: a crash before leaves it standing still, and nothing that was said to it is passed over.
  await (lifted as ReturnType<Quarantines['lift']>).keep();
  return null;
};
