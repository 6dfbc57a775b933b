// Somebody who may publish events says what he likes: under wrong tokens, of tasks that are not his, of tasks that never were, where nobody looks for them. All of it is
// counted and changes nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import { partitionOf } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import { newId } from '../../integration/support/world.ts';
import { curtain, onStage, type Stage } from '../stage.ts';
import type { Load } from '../load.ts';
import { patiently } from '../load.ts';
import type { Scenario } from './scenario.ts';

const wrong = 'A'.repeat(22);

export const forged: Scenario = {
  name: 'forged',
  weight: 1,
  run: ({ counts, seed, seconds }) =>
    onStage({ counts, seed }, async (stage) => {
      const load = stage.load();
      const until = Date.now() + seconds * 500;
      stage.troupe.storm(stage.random);
      const strangers = await forge(stage, load, until);
      return curtain(stage, load, strangers);
    }),
};

const forge = async ({ world, random }: Stage, load: Load, until: number) => {
  let strangers = 0;
  const kinds: ((id: string) => [name: (string | number)[], body: object])[] = [
    (id) => [
      ['report', 'executor', 'a', 1 + random(3)],
      { v: 1, task_id: id, step_id: 'a', attempt: 1, lease: wrong, agent: 'mallory', outcome: 'succeeded' },
    ],
    () => [['commanded', newId('x')], { v: 1, command: 'cancel', by: 'mallory' }],
    () => [['decided', newId('i')], { v: 1, decision: 'approve', by: 'mallory' }],
    () => [['woke', 1 + random(5)], { v: 1, step: 'a' }],
    () => [['redriven', newId('d')], { v: 1, step_id: 'a', by: 'mallory' }],
    (id) => [
      ['submitted'],
      { v: 1, key: 'k1', rules: 1, hash: 'x', request: { task_id: id }, settings: 'x', routes: {} },
    ],
  ];
  for (; Date.now() < until; await sleep(20 + random(60))) {
    const id =
      random(3) === 0 || load.ids.length === 0 ? newId('nobody') : (load.ids[random(load.ids.length)] as string);
    const kind = kinds[random(kinds.length)] as (typeof kinds)[number];
    const [name, body] = kind(id);
    const partition = random(2) === 0 ? partitionOf(id) : random(limits.partitions);
    const subject = `${world.names.event(partition, id, ...name)}.${wrong}`;
    const { again } = await patiently(world, () => world.bus.once({ subject, data: JSON.stringify(body) }));
    if (!again) strangers += 1;
  }
  return strangers;
};
