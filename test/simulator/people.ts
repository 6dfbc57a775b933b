// Simulated people: they submit tasks through both doors, decide what is asked of them, and step in: pause, cancel, retry, skip, redrive.
// Everything goes through the request doors, as for real people; a request that nobody answers is made again.
import { decodeTrusted } from '@capstan/bus';
import type { Intervention, Submission, TaskRecord } from '@capstan/contracts';
import type { Body, Life } from './process.ts';
import type { Random } from './random.ts';

export interface PeopleWorld {
  readonly random: Random;
  readonly tasks: readonly Submission[];
  /** Tasks that were accepted for sure: an answer said so, or JetStream did. */
  readonly accepted: Set<string>;
  calm(): boolean;
}

export const beginPeople = async ({ bus, clock }: Life, world: PeopleWorld): Promise<Body> => {
  const { random } = world;
  const request = async (noun: string, verb: string, body: object): Promise<Record<string, unknown> | null> => {
    try {
      return decodeTrusted((await bus.ask(bus.names.api(noun, verb), JSON.stringify(body), 8_000)).data) as Record<
        string,
        unknown
      >;
    } catch {
      return null;
    }
  };

  const submit = async (task: Submission): Promise<void> => {
    const id = task.task_id as string;
    if (random.chance(0.3)) {
      await bus.append({ subject: bus.names.submit(), data: JSON.stringify(task), headers: {} });
      world.accepted.add(id);
      return;
    }
    for (let tries = 0; tries < 50; tries += 1) {
      const answer = await request('task', 'submit', task);
      if (answer !== null && answer['error'] === undefined) {
        world.accepted.add(id);
        return;
      }
    }
  };
  for (const task of world.tasks)
    if (!world.accepted.has(task.task_id as string))
      clock.later(random.int(0, 4_000), () => void submit(task).catch(() => {}));

  const inbox = async (): Promise<Intervention[]> =>
    ((await request('inbox', 'list', { limit: 1_000 }))?.['interventions'] ?? []) as Intervention[];
  const decide = async (): Promise<void> => {
    for (const item of await inbox()) {
      if (!world.calm() && random.chance(0.6)) continue;
      const verb =
        item.kind === 'question'
          ? 'answer'
          : random.chance(0.75)
            ? 'approve'
            : item.kind === 'flag'
              ? random.pick(['reject', 'answer'] as const)
              : 'reject';
      await request('inbox', verb, {
        id: item.id,
        by: 'carol',
        reason: 'so it seems',
        ...(verb === 'answer' ? { value: item.kind === 'flag' ? 'skip' : 7 } : {}),
      });
    }
  };
  const meddle = async (): Promise<void> => {
    const id = random.pick(world.tasks).task_id as string;
    const verb = random.pick(['pause', 'resume', 'cancel', 'retry', 'skip', 'execute', 'get'] as const);
    if (verb === 'cancel' && random.chance(0.7)) return;
    const step = random.chance(0.5) || verb === 'skip' ? { step_id: `s${random.int(0, 3)}` } : {};
    await request('task', verb, { task_id: id, by: 'dave', ...(verb === 'get' ? {} : step) });
  };
  /** In calm times everything is let go that only a person can. */
  const free = async (): Promise<void> => {
    for (const { task_id: id } of world.tasks) {
      const record = (await request('task', 'get', { task_id: id })) as unknown as TaskRecord | null;
      if (record === null || ['succeeded', 'failed', 'cancelled'].includes(record.status)) continue;
      if (record.status === 'paused') await request('task', 'resume', { task_id: id, by: 'erin' });
      if (record.status === 'planned' || record.mode === 'manual')
        await request('task', 'execute', { task_id: id, by: 'erin' });
    }
  };
  clock.every(1_500, () => void decide().catch(() => {}));
  clock.every(2_000, () => void (world.calm() ? free() : meddle()).catch(() => {}));
  return { stop: async () => {} };
};
