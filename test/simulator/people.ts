// Simulated people: they submit tasks through both doors, decide what is asked of them, and step in: pause, cancel, retry, skip, redrive.
// Everything goes through the request doors, as for real people; a request that nobody answers is made again. What they only look at they look
// up in the broker, which costs nothing: nobody has to be asked what is new.
import { type Broker, decodeTrusted, textOf } from '@capstan/bus';
import {
  dlqHeaders,
  type Intervention,
  isEnded,
  type Schedule,
  type Submission,
  type TaskRecord,
} from '@capstan/contracts';
import type { Body, Life } from './process.ts';
import type { Random } from './random.ts';
import { type Returning, sendAgain, tryAgain } from './returning.ts';
import { isScheduled, keepSchedules } from './schedules.ts';

export interface PeopleWorld {
  readonly broker: Broker;
  readonly random: Random;
  readonly tasks: readonly Submission[];
  /** Tasks that were accepted for sure: an answer said so, or JetStream did. */
  readonly accepted: Set<string>;
  /** Tasks that were given up, since a quota was full again and again. */
  readonly refused: Set<string>;
  readonly schedules: readonly Schedule[];
  /** The schedules that submit nothing more. */
  readonly overSchedules: Set<string>;
  readonly chaosMs: number;
  /** Where tasks go to the archive while anybody looks: some come back for them. */
  readonly returning: Pick<Returning, 'taken' | 'wrong' | 'random'> | null;
  calm(): boolean;
}

export const beginPeople = async ({ bus, clock }: Life, world: PeopleWorld): Promise<Body> => {
  const { broker, random, accepted, tasks } = world;
  const request = async (noun: string, verb: string, body: object): Promise<Record<string, unknown> | null> => {
    try {
      const { data } = await bus.ask(bus.names.api(noun, verb), JSON.stringify(body), 8_000);
      return decodeTrusted(data) as Record<string, unknown>;
    } catch {
      return null;
    }
  };
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.later(ms, resolve));

  const isSaid = async (task: Submission): Promise<boolean> => {
    try {
      await bus.append({ subject: bus.names.submit(), data: JSON.stringify(task), headers: {} });
      return true;
    } catch {
      await wait(500);
      return false;
    }
  };
  const returning: Returning | null =
    world.returning === null ? null : { ...world.returning, broker, clock, request, wait, calm: () => world.calm() };
  if (returning !== null)
    tryAgain(
      returning,
      tasks.map((task) => task.task_id as string),
    );

  const submit = async (given: Submission): Promise<void> => {
    const id = given.task_id as string;
    const task = random.chance(0.1) ? await uploaded(given) : given;
    const isPlain = random.chance(0.3);
    for (let patience = refusalsMax; patience > 0; ) {
      // Whoever gets no answer says it again; both doors know a task by its name.
      if (isPlain && (await isSaid(task))) return void accepted.add(id);
      if (isPlain) continue;
      const answer = await request('task', 'submit', task);
      if (answer !== null && answer['error'] === undefined) {
        accepted.add(id);
        // Somebody who did not see the answer submits it again: it is the same task.
        if (random.chance(0.1)) await request('task', 'submit', task);
        if (returning !== null) await sendAgain(returning, id, task);
        return;
      }
      if (isOverQuota(answer) && world.calm()) patience -= 1;
      await wait(500);
    }
    world.refused.add(id);
  };
  const put = async (name: string, data: Uint8Array): Promise<void> => {
    for (;;) {
      try {
        return void (await bus.objects(bus.names.buckets.artifacts).put(name, data));
      } catch {
        await wait(500);
      }
    }
  };
  /** A plan may travel beside its submission. */
  const uploaded = async (task: Submission): Promise<Submission> => {
    const { plan, ...rest } = task;
    const bucket = bus.names.buckets.artifacts;
    if (plan === undefined) return task;
    await put(`up/${task.task_id}.json`, Buffer.from(JSON.stringify(plan)));
    return { ...rest, plan_ref: { ref: `${bucket}/up/${task.task_id}.json` } };
  };
  const early = Math.trunc(world.chaosMs * 0.6);
  for (const task of tasks) clock.later(random.int(0, early), () => void submit(task).catch(() => {}));
  const { calm, schedules, overSchedules } = world;
  keepSchedules(schedules, { broker, clock, calm, request, wait, random: random.fork('schedules') }, overSchedules);

  const itemOf = (id: string): Intervention | null => {
    const { inbox } = bus.names.buckets;
    const message = broker.streams.get(`KV_${inbox}`)?.newest(`$KV.${inbox}.${id}`);
    return message === undefined || message.data.length === 0
      ? null
      : (JSON.parse(textOf(message.data)) as Intervention);
  };
  /** What is asked is decided after a while; in bad times somebody looks away first. */
  const consider = async (id: string): Promise<void> => {
    for (;;) {
      await wait(world.calm() ? random.int(50, 500) : random.int(100, 4_000));
      const item = itemOf(id);
      if (item?.status !== 'pending') return;
      if (!world.calm() && random.chance(0.3)) continue;
      const verb = verbFor(item, random);
      const value = verb === 'answer' ? { value: item.kind === 'flag' ? 'skip' : random.int(1, 9) } : {};
      // Now and then somebody who may not, or who does not say in what role.
      const by = random.chance(0.1) ? random.pick(['alice', 'bob']) : 'carol';
      const role = random.chance(0.8) ? { role: 'lead' } : {};
      await request('inbox', verb, { id, by, ...role, reason: 'so it seems', ...value });
    }
  };
  const seen = new Set<string>();
  const inbox = broker.streams.get(`KV_${bus.names.buckets.inbox}`);
  let heardTo = 0;
  inbox?.listeners.add(() => {
    for (; heardTo < inbox.last; heardTo += 1) {
      const message = inbox.at(heardTo + 1);
      const { id } =
        message === undefined || message.data.length === 0
          ? { id: '' }
          : (JSON.parse(textOf(message.data)) as Intervention);
      if (id === '' || seen.has(id)) continue;
      seen.add(id);
      void consider(id).catch(() => {});
    }
  });

  /** What was read before is not read again. */
  const read = new Map<string, { readonly seq: number; readonly record: TaskRecord }>();
  const recordOf = (id: string): TaskRecord | null => {
    const bucket = bus.names.buckets.tasks;
    const message = broker.streams.get(`KV_${bucket}`)?.newest(`$KV.${bucket}.${id}`);
    if (message === undefined || message.data.length === 0) return null;
    const { seq, data } = message;
    let known = read.get(id);
    if (known?.seq !== seq) read.set(id, (known = { seq, record: JSON.parse(textOf(data)) as TaskRecord }));
    return known.record;
  };
  const meddle = async (): Promise<void> => {
    const id = random.pick(tasks).task_id as string;
    const verb = random.pick([
      'pause',
      'resume',
      'cancel',
      'retry',
      'skip',
      'execute',
      'get',
      'redrive',
      'list',
    ] as const);
    if (verb === 'cancel' && random.chance(0.6)) return;
    if (verb === 'redrive') return redrive();
    if (verb === 'list') return void (await request(random.pick(['task', 'inbox', 'dlq']), 'list', { limit: 50 }));
    const steps = Object.keys(recordOf(id)?.steps ?? {});
    const step = steps.length > 0 && (verb === 'skip' || random.chance(0.5)) ? { step_id: random.pick(steps) } : {};
    await request('task', verb, { task_id: id, by: 'dave', ...(verb === 'get' ? {} : step) });
  };
  const redrive = async (): Promise<void> => {
    const letters = [...(broker.streams.get(bus.names.streams.dlq)?.all([]) ?? [])];
    if (letters.length === 0) return;
    const id = random.pick(letters).header(dlqHeaders.id);
    if (id !== undefined) await request('dlq', random.chance(0.8) ? 'redrive' : 'drop', { id, by: 'dave' });
  };
  const meddling = (): void => {
    if (world.calm()) return;
    void meddle().catch(() => {});
    clock.later(random.int(200, 4_000), meddling);
  };
  clock.later(random.int(500, 2_000), meddling);

  /** In calm times everything is let go that only a person can. */
  const free = async (): Promise<void> => {
    for (const id of [...tasks.map((task) => task.task_id as string), ...scheduledIn(broker)]) {
      const record = recordOf(id);
      if (record === null || isEnded(record.status)) continue;
      if (record.status === 'paused') await request('task', 'resume', { task_id: id, by: 'erin' });
      if (record.status === 'planned' || record.mode === 'manual')
        await request('task', 'execute', { task_id: id, by: 'erin' });
    }
  };
  clock.every(3_000, () => {
    if (world.calm()) void free().catch(() => {});
  });
  return { stop: async () => {} };
};

/** In good times nobody asks more often than this whether there is room by now. */
const refusalsMax = 10;
const isOverQuota = (answer: Record<string, unknown> | null): boolean =>
  (answer?.['error'] as { code?: string } | undefined)?.code === 'quota';

const scheduledIn = (broker: Broker): string[] => {
  const prefix = `$KV.${broker.names.buckets.tasks}.`;
  return [...(broker.streams.get(`KV_${broker.names.buckets.tasks}`)?.all([]) ?? [])]
    .map(({ subject }) => subject.slice(prefix.length))
    .filter((key) => isScheduled(key) && !key.includes('.'));
};

const verbFor = ({ kind }: Intervention, random: Random): 'answer' | 'approve' | 'reject' => {
  if (kind === 'question') return 'answer';
  if (random.chance(0.75)) return 'approve';
  return kind === 'flag' ? random.pick(['reject', 'answer'] as const) : 'reject';
};
