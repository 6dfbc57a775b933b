// Questions over core NATS. What is said to a broken connection is lost without a word, so a question is put again when it is back.
import { headers, nuid } from 'nats';
import { asking, questionId } from '../asking.ts';
import { BusError } from '../error.ts';
import type { Wire } from '../port.ts';
import type { Line } from './line.ts';
import { wireOf } from './wire.ts';

export const askOver = (line: Line, subject: string, data: Uint8Array | string, timeoutMs: number): Promise<Wire> => {
  const id = headers();
  id.set(questionId, nuid.next());
  // What takes up all that the server takes goes without; whoever hears it will hardly make anything of it.
  const hasRoom = Buffer.byteLength(data) + idBytes <= (line.connection.info?.max_payload ?? Infinity);
  return asking(subject, timeoutMs, {
    now: Date.now,
    later: (ms, act) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
    isOpen: line.online,
    watch: (watcher) => {
      line.watchers.add(watcher);
      return () => line.watchers.delete(watcher);
    },
    put: async (timeout) => {
      try {
        return wireOf(await line.connection.request(subject, data, hasRoom ? { timeout, headers: id } : { timeout }));
      } catch (error) {
        throw refusalOf(subject, error as Error);
      }
    },
  });
};

const idBytes = 64;

const refusalOf = (subject: string, error: Error): BusError => {
  const { name, message } = error;
  if (/max_payload/.test(message))
    return new BusError('too_large', `${subject}: larger than the server takes.`, { cause: error });
  if (name === 'PermissionViolationError')
    return new BusError('forbidden', `This user may not ask ${subject}.`, { cause: error });
  const why = name === 'NoRespondersError' || /no responders/i.test(message) ? 'nobody answers there' : message;
  return new BusError('unavailable', `${subject}: ${why}.`, { cause: error });
};
