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
  return async (task: string): Promise<void> => {
    try {
      await ask('look at a volume', docker.getVolume(volumeOf(owner.scope, task)).inspect());
      return;
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
  };
};

/** Nothing where it is in use. */
export const removeVolume = ({ docker, settle }: Engine, scope: string, task: string): Promise<void> =>
  settle('remove a volume', docker.getVolume(volumeOf(scope, task)).remove());

interface Found {
  readonly task: string;
  readonly createdMs: number;
}

export const volumesOf = async ({ docker, ask }: Engine, scope: string): Promise<Found[]> => {
  const filters = having({ [label.kind]: 'volume', [label.scope]: scope });
  const { Volumes } = await ask('list volumes', docker.listVolumes({ filters: JSON.stringify(filters) as never }));
  return (Volumes ?? []).map((one) => ({
    task: one.Labels[label.task] ?? '',
    createdMs: Date.parse((one as { CreatedAt?: string }).CreatedAt ?? '') || 0,
  }));
};
