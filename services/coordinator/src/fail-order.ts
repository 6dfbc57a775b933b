// A report in Capstan's own name, of an attempt of which no agent will say how it ended. It has the name of the attempt's own report: where that came
// first it counts, and whatever an agent says later does not.
import type { Failure } from '@capstan/contracts';
import { eventSubject, untilStored } from './say.ts';
import type { World } from './world.ts';

export interface OrderName {
  readonly task: string;
  readonly key: string;
  readonly queue: string;
  readonly step: string;
  readonly attempt: number;
}

export const failOrder = (world: World, { task, key, queue, step, attempt }: OrderName, error: Failure) => {
  const { subject, token } = eventSubject(world, task, key, 'report', queue, step, attempt);
  const report = {
    v: 1,
    task_id: task,
    step_id: step,
    attempt,
    lease: token,
    agent: 'capstan',
    outcome: 'failed',
    error,
  };
  return untilStored(world, () => world.bus.once({ subject, data: JSON.stringify(report) }));
};
