// The files of a task: one volume each, under a name that follows from installation and task, so that every process finds the same one.
import { createHash } from 'node:crypto';
import { type Engine, statusOf } from './engine.ts';
import { having, label, labelsOf, type Owner } from './labels.ts';

export const volumeOf = (scope: string, task: string): string =>
  // Names of volumes are one space for everybody on the engine, and a task's id may be as long as such a name.
  `capstan-${createHash('sha256').update(`${scope}\0${task}`).digest('hex').slice(0, 32)}`;

/** Made where it isn't there; whether it was. */
export const ensureVolume = async ({ docker, ask }: Engine, owner: Owner, task: string): Promise<boolean> => {
  const name = volumeOf(owner.scope, task);
  try {
    await ask('look at a volume', docker.getVolume(name).inspect());
    return true;
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
  await ask('make a volume', docker.createVolume({ Name: name, Labels: labelsOf('volume', owner, { task }) }));
  return false;
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
