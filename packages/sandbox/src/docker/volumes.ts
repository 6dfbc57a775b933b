// The files of a task: one volume each, under a name that follows from installation and task, so that every process finds the same one.
import { createHash } from 'node:crypto';
import { type Engine, saidBy, statusOf } from './engine.ts';
import { having, label, labelsOf, type Owner } from './labels.ts';

export const volumeOf = (scope: string, task: string): string =>
  // Names of volumes are one space for everybody on the engine, and a task's id may be as long as such a name.
  `capstan-${createHash('sha256').update(`${scope}\0${task}`).digest('hex').slice(0, 32)}`;

/**
 * Makes the volume of a task where it isn't there. All that is in it is held to a size where the engine can do that, which is where its volumes
 * lie on XFS with project quotas; whether it can is found out once.
 */
export const newVolumeMaker = ({ docker, ask }: Engine, owner: Owner, mostMb: number) => {
  let canHold = true;
  const make = (task: string, options: object) =>
    ask(
      'make a volume',
      docker.createVolume({
        Name: volumeOf(owner.scope, task),
        Labels: labelsOf('volume', owner, { task }),
        ...options,
      }),
    );
  /** Whether it was not there before. */
  return async (task: string): Promise<boolean> => {
    try {
      await ask('look at a volume', docker.getVolume(volumeOf(owner.scope, task)).inspect());
      return false;
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
    }
    // Asked of several at once, it is refused to all of them.
    const held = canHold;
    try {
      await make(task, held ? { DriverOpts: { size: `${mostMb}m` } } : {});
    } catch (error) {
      if (!held || !/quota/i.test(saidBy(error))) throw error;
      canHold = false;
      await make(task, {});
    }
    return true;
  };
};

/**
 * Tells every process on the engine that the files of a task were used just now. A volume can't be labelled again, so it is another one beside it,
 * which is empty and carries the time; the one before goes after it has come, so that there is always one.
 */
export const markUsed = async (engine: Engine, owner: Owner, task: string, usedMs: number): Promise<void> => {
  const { docker, ask } = engine;
  const Name = `${volumeOf(owner.scope, task)}-used-${usedMs}`;
  await ask('mark a volume', docker.createVolume({ Name, Labels: labelsOf('used', owner, { task, usedMs }) }));
  for (const one of await listed(engine, { [label.scope]: owner.scope, [label.task]: task, [label.kind]: 'used' }))
    if (Number(one.Labels[label.used]) < usedMs) await remove(engine, one.Name);
};

/** With the marks beside it; nothing where it is in use. */
export const removeVolume = async (engine: Engine, scope: string, task: string): Promise<void> => {
  await remove(engine, volumeOf(scope, task));
  for (const one of await listed(engine, { [label.scope]: scope, [label.task]: task, [label.kind]: 'used' }))
    await remove(engine, one.Name);
};

interface Found {
  readonly task: string;
  readonly usedMs: number;
}

/** Of each task that has files here. One that nobody has marked was last used when it was made, or not long after. */
export const volumesOf = async (engine: Engine, scope: string): Promise<Found[]> => {
  const found = new Map<string, number>();
  for (const one of await listed(engine, { [label.scope]: scope })) {
    const task = one.Labels[label.task] ?? '';
    const made = Date.parse((one as { CreatedAt?: string }).CreatedAt ?? '') || 0;
    found.set(task, Math.max(found.get(task) ?? 0, Number(one.Labels[label.used] ?? made)));
  }
  return [...found].map(([task, usedMs]) => ({ task, usedMs }));
};

const listed = async ({ docker, ask }: Engine, labels: Readonly<Record<string, string>>) => {
  const filters = JSON.stringify(having(labels)) as never;
  return (await ask('list volumes', docker.listVolumes({ filters }))).Volumes ?? [];
};

const remove = ({ docker, settle }: Engine, name: string): Promise<void> =>
  settle('remove a volume', docker.getVolume(name).remove());
