// Questions in memory, as over NATS: heard by whoever listens just now, or by nobody.
import { asking, questionId } from '../asking.ts';
import { BusError } from '../error.ts';
import type { Wire } from '../port.ts';
import type { Broker } from './broker.ts';
import { bytesOf, type Way } from './way.ts';

export const askInMemory = (way: Way, subject: string, data: Uint8Array | string, timeoutMs: number): Promise<Wire> => {
  const { broker } = way;
  const id = broker.inbox();
  const bytes = bytesOf(data);
  return asking(subject, timeoutMs, {
    now: broker.clock.now,
    later: broker.clock.later,
    isOpen: () => broker.up,
    watch: (watcher) => {
      broker.watchers.add(watcher);
      way.watchers.add(watcher);
      return () => {
        broker.watchers.delete(watcher);
        way.watchers.delete(watcher);
      };
    },
    put: (withinMs) => put(way, broker, { subject, bytes, id, withinMs }),
  });
};

interface Question {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly id: string;
  readonly withinMs: number;
}

const put = (way: Way, broker: Broker, { subject, bytes, id, withinMs }: Question): Promise<Wire> =>
  new Promise((resolve, reject) => {
    const inbox = broker.inbox();
    const end = (act: () => void): void => {
      leave();
      cancel();
      act();
    };
    const fail = (ms: number, why: string): (() => void) =>
      broker.clock.later(ms, () => end(() => reject(new BusError('unavailable', `${subject}: ${why}.`))));
    const leave = broker.listen({
      filter: inbox,
      group: null,
      hear: (from, answer, headers) => {
        const header = (name: string) => headers.find(([key]) => key === name)?.[1];
        if (way.alive) end(() => resolve({ subject: from, data: answer, reply: null, header }));
      },
    });
    const cancel = fail(withinMs, 'TIMEOUT');
    if (broker.publish(subject, bytes, [[questionId, id]], inbox) === 0) fail(0, 'nobody answers there');
  });
