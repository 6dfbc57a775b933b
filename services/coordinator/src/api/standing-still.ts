// What is refused of an actor that stands still: whoever changes it would be told that it is done, and nothing would come of it.
import { Refusal } from '../doors/refusal.ts';
import { storedQuarantine } from '../quarantine.ts';
import type { World } from '../world.ts';

export const mustGoOn = async (world: World, id: string, what: string): Promise<void> => {
  const still = await storedQuarantine(world, id);
  if (still === null) return;
  throw new Refusal('unavailable', `${what} is quarantined at event ${still.seq}: ${still.error}`, {
    hint: `capstan quarantine release ${id} tries that event again; --skip leaves it out. What was said meanwhile counts then.`,
  });
};
