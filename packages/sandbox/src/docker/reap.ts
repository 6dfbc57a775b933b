// Takes away what processes have left that were killed. Who lives is read from the engine itself: whoever has no keeper is gone.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerInfo } from 'dockerode';
import { type Engine, saidBy, statusOf } from './engine.ts';
import { having, label, type Owner } from './labels.ts';

/** A keeper that was made and never started belongs to a process that was killed in between. */
const unstartedMs = 60_000;

export interface Reaping {
  /** This process, and which of its containers it knows of. */
  readonly self: Owner;
  readonly known: (name: string) => boolean;
}

/** Whoever lost its keeper for a moment, as a broken connection does it, has another by then. */
const graceMs = 3_000;

/** The names of what was removed. What looks left behind is looked at twice. */
export const reap = async (engine: Engine, reaping: Reaping): Promise<string[]> => {
  const first = await leftBehind(engine, reaping);
  if (first.length === 0) return [];
  await sleep(graceMs);
  const seen = new Set(first.map(({ Id }) => Id));
  const left = (await leftBehind(engine, reaping)).filter(({ Id }) => seen.has(Id));
  await Promise.all(left.map((one) => remove(engine, one.Id)));
  return left.map(nameOf);
};

const leftBehind = async (engine: Engine, { self, known }: Reaping): Promise<ContainerInfo[]> => {
  const all = await engine.ask(
    'list containers',
    engine.docker.listContainers({ all: true, filters: { label: [label.kind] } }),
  );
  const keepers = all.filter((one) => one.Labels[label.kind] === 'keeper');
  const alive = new Set(keepers.filter(isAlive).map((one) => one.Labels[label.owner]));
  return all.filter((one) => {
    if (one.Labels[label.kind] === 'keeper') return !isAlive(one);
    const of = one.Labels[label.owner];
    if (of === self.id) return !known(nameOf(one));
    // Past its time it has nobody who looks after it, though its process may still be there and hang.
    return !alive.has(of) || Date.now() > Number(one.Labels[label.deadline] ?? Number.POSITIVE_INFINITY);
  });
};

/** Whatever still runs for a step that somebody else was working on: two attempts never run side by side in one workspace. */
export const endEarlier = async (
  engine: Engine,
  { self, known }: Reaping,
  of: { readonly task: string; readonly step: string },
): Promise<void> => {
  const filters = having({ [label.scope]: self.scope, [label.task]: of.task });
  const all = await engine.ask('list containers', engine.docker.listContainers({ all: true, filters }));
  const others = all.filter((one) => !known(nameOf(one)));
  await Promise.all(others.filter((one) => one.Labels[label.step] === of.step).map((one) => remove(engine, one.Id)));
  // What stands ready is of no step, so there it counts whether its owner lives.
  if (others.some((one) => one.Labels[label.kind] === 'warm')) await reap(engine, { self, known });
};

/** Gone is gone, whoever took it; one that is being removed is waited for, so that nothing of it runs when this resolves. */
const remove = async (engine: Engine, id: string): Promise<void> => {
  const container = engine.docker.getContainer(id);
  try {
    await engine.ask('remove a container', container.remove({ force: true, v: true }));
  } catch (error) {
    if (statusOf(error) === 404) return;
    if (statusOf(error) !== 409) throw new Error(saidBy(error), { cause: error });
    await engine.settle('wait for a container', container.wait({ condition: 'removed' }));
  }
};

const isAlive = ({ State, Created }: ContainerInfo): boolean =>
  State === 'running' || (State === 'created' && Date.now() - Created * 1_000 < unstartedMs);

const nameOf = ({ Names, Id }: ContainerInfo): string => Names[0]?.slice(1) ?? Id;
