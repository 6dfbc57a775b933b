// A stream of the broker as the port has it.
import { BusError } from '../error.ts';
import type { Log, Running } from '../port.ts';
import { MemoryReader } from './reader.ts';
import type { MemoryStream } from './stream.ts';
import type { Way } from './way.ts';

export const memoryLog = (way: Way, name: string, kept: <T extends Running>(one: T) => T): Log => {
  const { broker } = way;
  const stream = (): MemoryStream => {
    const found = broker.streams.get(name);
    if (!found) throw new BusError('unavailable', `There is no stream ${name}.`);
    return found;
  };
  return {
    async read({ subjects, ...reading }) {
      const alive = (): boolean => way.alive;
      const reader = await way.ask(`read ${name}`, () => {
        // As the server has it: what is forgotten by acknowledgement is not read in order.
        if (stream().config.workQueue)
          throw new BusError('unavailable', `${name} is a work queue: take from it instead.`);
        return new MemoryReader(broker, stream(), { ...reading, filters: subjects ?? [], alive });
      });
      return kept(reader.begin());
    },
    last: (subject) => way.ask(`last ${subject}`, () => stream().newest(subject) ?? null),
    at: (seq) => way.ask(`at ${seq}`, () => stream().at(seq) ?? null),
    info: () =>
      way.ask(`info ${name}`, () => {
        const { first, last, count, bytes, config } = stream();
        return { first, last, messages: count, bytes, bytesMax: config.bytesMax };
      }),
    forget: ({ subject, before }) =>
      way.ask(`forget ${name}`, () =>
        stream().forget(subject === undefined ? [] : [subject], before ?? Number.POSITIVE_INFINITY),
      ),
  };
};
