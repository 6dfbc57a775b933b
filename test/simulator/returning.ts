// People who come back to what is over: they send again what they sent, word for word or as something else, and want done again what has failed.
import { type Broker, textOf } from '@capstan/bus';
import { isEnded, type Submission, type TaskRecord } from '@capstan/contracts';
import type { SimClock } from './clock.ts';
import type { Random } from './random.ts';

export interface Returning {
  readonly broker: Broker;
  readonly random: Random;
  readonly clock: SimClock;
  /** Commands that somebody was told are taken, by who gave them. */
  readonly taken: Set<string>;
  readonly wrong: (text: string) => void;
  calm(): boolean;
  request(noun: string, verb: string, body: object): Promise<Record<string, unknown> | null>;
  wait(ms: number): Promise<void>;
}

/** The id of a task that was accepted stays taken, by it and by nothing else. */
export const sendAgain = async (
  { broker, random, request, wait, wrong }: Returning,
  id: string,
  sent: Submission,
): Promise<void> => {
  for (let times = random.int(1, 3); times > 0; times -= 1) {
    // At the worst time, and at any other.
    if (random.chance(0.5)) await forgotten(broker, id);
    await wait(random.int(0, random.pick([3_000, 40_000])));
    const isOther = random.chance(0.3);
    const answer = await request('task', 'submit', isOther ? { ...sent, title: 'something else' } : sent);
    const code = (answer?.['error'] as { code?: string } | undefined)?.code;
    if (isOther && answer !== null && code === undefined) wrong(`another task was accepted under the id of ${id}`);
    if (!isOther && answer?.['created'] === true) wrong(`${id} was sent again, and begun anew`);
    if (!isOther && code === 'conflict') wrong(`${id} was sent again word for word, and taken for something else`);
  }
};

/** Resolves once the log has forgotten how the task began. */
const forgotten = (broker: Broker, id: string): Promise<void> =>
  new Promise((resolve) => {
    const removals = broker.streams.get(broker.names.streams.events)?.onRemove;
    const look = ({ subject }: { readonly subject: string }): void => {
      if (!subject.includes(`.${id}.submitted.`)) return;
      removals?.delete(look);
      resolve();
    };
    removals?.add(look);
  });

/** What has failed is tried again by somebody who saw it, sooner or later. */
export const tryAgain = (people: Returning, tasks: readonly string[]): void => {
  const { broker, random, clock, calm, request, taken } = people;
  const { tasks: bucket } = broker.names.buckets;
  const stream = broker.streams.get(`KV_${bucket}`);
  const left = new Map(tasks.map((id) => [`$KV.${bucket}.${id}`, { id, times: timesMax }]));
  let read = stream?.last ?? 0;
  let said = 0;
  const retry = (id: string): void => {
    if (calm()) return;
    const by = `frank-${(said += 1)}`;
    void request('task', 'retry', { task_id: id, by }).then((answer) => {
      if (answer !== null && answer['error'] === undefined) taken.add(by);
    });
  };
  const failed = new Set<string>();
  // Just as somebody takes over from a coordinator of whom nothing is heard any more.
  const members = broker.streams.get(`KV_${broker.names.buckets.members}`);
  members?.listeners.add(() => {
    if ((members.at(members.last)?.data.length ?? 1) > 0) return;
    for (const id of failed) if (random.chance(0.3)) clock.later(random.int(0, 1_500), () => retry(id));
  });
  stream?.listeners.add(() => {
    for (; read < stream.last; read += 1) {
      const message = stream.at(read + 1);
      const one = message === undefined ? undefined : left.get(message.subject);
      if (message === undefined || one === undefined) continue;
      failed.delete(one.id);
      if (message.data.length === 0) continue;
      const { status } = JSON.parse(textOf(message.data)) as TaskRecord;
      if (!isEnded(status) || status === 'succeeded') continue;
      failed.add(one.id);
      if (one.times === 0) continue;
      one.times -= 1;
      clock.later(random.chance(0.4) ? random.int(15_000, 25_000) : random.int(0, random.pick([500, 5_000])), () =>
        retry(one.id),
      );
    }
  });
};

const timesMax = 4;
