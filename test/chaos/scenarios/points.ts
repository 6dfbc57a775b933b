// Each kind of process dies once at each of its points, at each of its moments: before it says something, as it has said it, and when it is
// stored and the answer was never read.
import { type Fate, type Moment, moments, pointsOf } from '../points.ts';
import { curtain, onStage, type Stage } from '../stage.ts';
import type { Service } from '../troupe.ts';
import type { Scenario } from './scenario.ts';

const patienceMs = 20_000;

export const points: Scenario = {
  name: 'points',
  weight: 1,
  run: ({ counts, seed, seconds }) =>
    onStage({ counts, seed }, async (stage) => {
      const load = stage.load({ pauseMs: 300, tours: true });
      // In a hurry the moment between the two others is left out.
      const chosen = moments.filter((moment) => seconds > 0 || moment !== 'sent');
      // One of each kind stays alive, so that there is always something to come by.
      const missed = await Promise.all([
        meetAll(stage, 'coordinator', 'c1', chosen),
        meetAll(stage, 'executor', 'e1', chosen),
      ]);
      return [...missed.flat(), ...(await curtain(stage, load))];
    }),
};

const meetAll = async (
  { troupe, random }: Stage,
  service: Service,
  instance: string,
  chosen: readonly Moment[],
): Promise<string[]> => {
  const missed: string[] = [];
  for (const point of pointsOf[service]) {
    for (const moment of chosen) {
      // Nobody waits for the answer to it: nothing is left to do where it is lost.
      if (service === 'executor' && point === 'acknowledgement' && moment === 'stored') continue;
      const fate: Fate = { point, moment, nth: 1 + random(2) };
      if (!(await troupe.player(instance).meet(fate, patienceMs)))
        missed.push(`${service} never came to "${moment} ${point}"`);
    }
  }
  return missed;
};
