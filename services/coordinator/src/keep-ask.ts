// What a person is asked, put into the inbox, and what becomes of it. Whoever was out of touch says it late: by then it may have been decided, or its
// task be archived, and what was asked gone with it; it does not rise again.
import { isBusError, textOf } from '@capstan/bus';
import type { Intervention } from '@capstan/contracts';
import type { World } from './world.ts';

export const keepAsk = async (world: World, asked: Intervention): Promise<void> => {
  const store = world.bus.store(world.names.buckets.inbox);
  const { id: key } = asked;
  if (asked.status === 'pending') {
    const data = JSON.stringify(asked);
    try {
      await store.set({ key, data, expect: 0, neverThere: true });
    } catch (error) {
      if (!isBusError(error, 'conflict')) throw error;
      const present = await store.get(key);
      // Asked before, by this process or its predecessor; unless nothing is left of it but the mark that a task of this id was forgotten.
      if (present?.gone !== true || (await world.archive.holds(asked.task_id, 0))) return;
      await store.set({ key, data, expect: present.revision });
    }
    return;
  }
  const present = await store.get(key);
  if (present?.gone === true) return;
  const kept = present === null ? {} : (JSON.parse(textOf(present.data)) as Partial<Intervention>);
  await store.set({ key, data: JSON.stringify({ ...kept, ...asked }), expect: present?.revision ?? 0 });
};
