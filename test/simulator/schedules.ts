// Random schedules: put by people while the weather is bad, changed by some of them, and deleted when it clears. What they submit are small tasks.
import { type Broker, textOf } from '@capstan/bus';
import { actorId, type Schedule, type Settings } from '@capstan/contracts';
import type { ScheduleState } from '@capstan/engine';
import { patienceMs } from './actor-rules.ts';
import type { SimClock } from './clock.ts';
import { randomTask } from './plans.ts';
import type { Random } from './random.ts';

/** Ids of the tasks that a schedule submits begin with its name. */
const prefix = 'sched';

export const randomSchedules = (random: Random, now: number, { quotas }: Settings): Schedule[] =>
  Array.from({ length: random.chance(0.2) ? random.int(1, 2) : 0 }, (_, number) =>
    randomSchedule(random.fork(`${number}`), `${prefix}${number}`, now, quotas?.over === 'refuse'),
  );

const randomSchedule = (random: Random, name: string, now: number, isRefused: boolean): Schedule => {
  const { task_id: _, ...task } = randomTask(random, name, now, 2);
  // Where tasks are refused, the next one is to be due before that is known of the last.
  const seconds = (): number => (isRefused && random.chance(0.5) ? random.int(3, 5) : random.int(4, 20));
  return {
    name,
    ...(random.chance(0.25)
      ? { at: new Date(now + random.int(3_000, 30_000)).toISOString() }
      : { cron: `*/${seconds()} * * * * *` }),
    task: { ...task, start: true, mode: 'auto' },
    overlap: random.pick(['skip', 'queue', 'cancel_other', 'allow']),
    catch_up: random.pick(['none', 'latest', 'all']),
  };
};

export const isScheduled = (task: string): boolean => task.startsWith(prefix);

interface People {
  readonly broker: Broker;
  readonly random: Random;
  readonly clock: SimClock;
  calm(): boolean;
  request(noun: string, verb: string, body: object): Promise<Record<string, unknown> | null>;
  wait(ms: number): Promise<void>;
}

/** Puts them, changes some, and deletes them once the weather has cleared; `over` has the names of those that submit nothing more. */
export const keepSchedules = (schedules: readonly Schedule[], people: People, over: Set<string>): void => {
  const { broker, random, clock, calm, request, wait } = people;
  const put = async (schedule: Schedule): Promise<boolean> => {
    for (;;) {
      const answer = await request('schedule', 'put', schedule);
      if (answer !== null && answer['error'] === undefined) return true;
      // A time that is over when somebody hears of it at last; perhaps it was heard before, and the answer was lost.
      if ((answer?.['error'] as { code?: string } | undefined)?.code === 'invalid')
        return wasPut(broker, schedule.name);
      await wait(500);
    }
  };
  const keep = async (schedule: Schedule): Promise<void> => {
    const { name } = schedule;
    if (await put(schedule)) {
      while (!calm()) {
        await wait(random.int(2_000, 8_000));
        const overlap = random.pick(['skip', 'queue', 'cancel_other', 'allow'] as const);
        if (!calm() && schedule.at === undefined && random.chance(0.2)) await put({ ...schedule, overlap });
      }
      // It may not be deleted before whoever comes after the chaos has had time to hear of it.
      if (schedule.at !== undefined)
        while (clock.now() < Date.parse(schedule.at) + patienceMs + 5_000) await wait(2_000);
      for (; !isDeleted(broker, name); await wait(1_000)) await request('schedule', 'delete', { name });
    }
    over.add(name);
  };
  for (const schedule of schedules) clock.later(random.int(0, 4_000), () => void keep(schedule).catch(() => {}));
};

const wasPut = (broker: Broker, name: string): boolean =>
  [...(broker.streams.get(broker.names.streams.events)?.all([]) ?? [])].some(({ subject }) =>
    subject.includes(`.${actorId('schedule', name)}.put.`),
  );

/** As it is stored: whoever asks before anybody has read that it was put is told that there is none. */
const isDeleted = (broker: Broker, name: string): boolean => {
  const bucket = broker.names.buckets.tasks;
  const found = broker.streams
    .get(`KV_${bucket}`)
    ?.newest(`$KV.${bucket}._actor.schedule.*.${actorId('schedule', name)}`);
  return found !== undefined && (JSON.parse(textOf(found.data)) as { state: ScheduleState }).state.spec === null;
};
