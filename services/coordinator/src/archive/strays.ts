// Batches of the archive that nobody named, since whoever put them died first, or lost the partition. They are removed once nobody can still be
// about to put them: until then an object could come after its name is forgotten. None of them is ever named: that needs the partition, which has
// been taken over since, or the very save that takes the name from here.
import { archiveObject } from '@capstan/bus';
import type { World } from '../world.ts';
import { type ArchiveHead, headOf } from './head.ts';

/** `save` writes the head with the checkpoint, so that only an owner forgets a name. Resolves with how many names there may still be to forget. */
export const removeStrays = async (
  world: World,
  partition: number,
  save: (before: ArchiveHead, head: ArchiveHead['head']) => Promise<ArchiveHead | null>,
): Promise<number> => {
  const before = await headOf(world, partition);
  const { batches, writing } = before.head;
  const old = writing.filter(({ at }) => at < world.clock.now() - world.keeping.straysMs);
  if (old.length === 0 || !world.membership.isFresh()) return writing.length;
  const objects = world.bus.objects(world.names.buckets.artifacts);
  for (const { name } of old) await objects.remove(archiveObject(partition, name));
  const after = await save(before, { batches, writing: writing.filter((one) => !old.includes(one)) });
  world.log.info({ partition, batches: old.length }, 'batches that were put and never named were removed');
  return after?.head.writing.length ?? writing.length;
};
