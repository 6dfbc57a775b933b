// A task from its log alone, where its snapshot can't be read. What was decided long ago was also done long ago; only what still stands is done
// again.
import type { Effect, Event } from '@capstan/contracts';
import { decide, recordOf, standing, type TaskState } from '@capstan/engine';
import { type Actor, type Mark, newActor } from './actor.ts';
import { eventFrom, type Heard, hear, isGenuine } from './hear.ts';
import type { References } from './references.ts';
import { readNow } from './read-now.ts';
import { pageKey } from './snapshots.ts';
import { submissionOf } from './submission-of.ts';
import { partitionOf } from '@capstan/bus';
import type { World } from './world.ts';

/** The events of a task after a sequence, as the log holds them just now. */
export const eventsOf = async (world: World, task: string, after: number): Promise<Heard[]> => {
  const found: Heard[] = [];
  const subjects = [world.names.eventsOfTask(partitionOf(task, world.partitions), task)];
  await readNow(world, { subjects, after }, (message) => {
    const heard = hear(world, message);
    if (heard !== null) found.push(heard);
  });
  return found;
};

export interface Rebuilt {
  readonly actor: Actor;
  readonly effects: readonly Effect[];
  readonly last: Mark;
}

/** Null where the log has no beginning of it. Throws what the engine throws. */
export const rebuildActor = async (
  world: World,
  references: References,
  task: string,
  stops: (heard: Heard) => boolean,
): Promise<Rebuilt | null> => {
  const began = await submissionOf(world, task);
  if (began === null) return null;
  const { key } = began.body;
  const first = began.heard.message;
  const all: Effect[] = [];
  let last: Mark = first;
  let state: TaskState | null = null;
  const step = (event: Event, mark: Mark) => {
    const decision: ReturnType<typeof decide> = decide(state, event);
    state = decision.state;
    all.push(...decision.effects);
    last = mark;
  };
  step(await references.resolve(began.heard, began.body), first);
  for (const heard of await eventsOf(world, task, 0)) {
    if (heard.kind === 'submitted' || stops(heard) || !isGenuine(world, heard, key)) continue;
    const event = eventFrom(world, heard);
    if (typeof event !== 'string') step(event, heard.message);
  }
  if (state === null) return null;
  const actor = newActor(task, { body: began.body, first: first.seq }, state);
  await expectWhatIsThere(world, actor);
  return { actor, effects: [...stillWanted(state, all), ...standing(state)], last };
};

/** Orders of attempts that are over would be done once more, should their names be purged already; timers and queues follow from the state. */
const stillWanted = (state: TaskState, effects: readonly Effect[]): Effect[] => {
  const { steps } = recordOf(state, { whole: true });
  return effects.filter((effect) => {
    if (['wake', 'unwake', 'route', 'tell', 'cancel'].includes(effect.kind)) return false;
    if (effect.kind !== 'order') return true;
    const step = steps[effect.order.step_id];
    return step?.status === 'running' && step.attempt === effect.order.attempt;
  });
};

/** Its next snapshot is written over whatever is there. */
const expectWhatIsThere = async (world: World, actor: Actor): Promise<void> => {
  const store = world.bus.store(world.names.buckets.tasks);
  const revisionOf = async (key: string) => {
    const entry = await store.get(key);
    return entry === null ? 0 : entry.revision;
  };
  actor.revision = await revisionOf(actor.id);
  await Promise.all(
    actor.state.steps.pages.map(async (_, page) => {
      const revision = await revisionOf(pageKey(actor.id, page));
      if (revision > 0) actor.pageRevisions.set(page, revision);
    }),
  );
};
