// How long is kept what is over, by chance: in some runs tasks go to the archive as soon as they have ended, or a little later, or are too many.
import { defaultKeeping, type Keeping } from '@capstan/coordinator';
import type { Random } from './random.ts';

/** Longer than anybody is frozen, so that nobody is still about to put what is taken for left behind. */
const straysMs = 40_000;

export const randomKeeping = (random: Random): Keeping => {
  const purgeEveryMs = random.pick([300, 1_000, defaultKeeping.purgeEveryMs]);
  const keeping = { ...defaultKeeping, orderNameMs: 20_000, purgeEveryMs };
  if (!random.chance(0.35)) return keeping;
  return {
    ...keeping,
    straysMs,
    purgeEveryMs: random.pick([300, 1_000, 3_000]),
    ...(random.chance(0.2) ? { tasksMax: random.pick([0, 2]) } : { tasksMs: random.pick([0, 0, 1_000, 8_000]) }),
    artifactsMs: random.pick([0, 15_000, defaultKeeping.artifactsMs]),
    archiveMs: random.pick([60_000, defaultKeeping.archiveMs, defaultKeeping.archiveMs]),
  };
};

/** Whether tasks leave the bucket while anybody looks. */
export const isShort = ({ tasksMs, tasksMax }: Keeping): boolean =>
  tasksMs < defaultKeeping.tasksMs || tasksMax < defaultKeeping.tasksMax;

/** Whether what is archived goes as well. */
export const forgets = ({ archiveMs }: Keeping): boolean => archiveMs < defaultKeeping.archiveMs;
