// A stream as the bus offers it: read in order, looked up at the leader, forgotten by sequence.
import type { Log, LogInfo, Message, ReadOptions, Running } from '../port.ts';
import { look, type StreamInfo } from './api.ts';
import { BusError } from '../error.ts';
import type { Line } from './line.ts';
import { Reader } from './reader.ts';
import { type StoredJson, storedMessage } from './wire.ts';

export const natsLog = (line: Line, stream: string): Log => {
  const get = async (which: { seq: number } | { last_by_subj: string }): Promise<Message | null> => {
    const found = await look<{ message: StoredJson }>(line.asker, `STREAM.MSG.GET.${stream}`, which);
    return found && storedMessage(found.message);
  };
  return {
    read: ({ subjects, after, since, headersOnly, on, onIdle, onRollback }: ReadOptions): Promise<Running> =>
      new Reader(line, { stream, filters: subjects ?? [], after, since, headersOnly, on, onIdle, onRollback }).start(),
    last: (subject) => get({ last_by_subj: subject }),
    at: (seq) => get({ seq }),
    async info(): Promise<LogInfo> {
      const info = await look<StreamInfo>(line.asker, `STREAM.INFO.${stream}`);
      if (!info) throw new BusError('unavailable', `There is no stream ${stream}.`);
      const { first_seq, last_seq, messages, bytes } = info.state;
      return { first: first_seq, last: last_seq, messages, bytes, bytesMax: Math.max(0, info.config.max_bytes ?? 0) };
    },
    async forget({ subject, before }) {
      const body = {
        ...(subject === undefined ? {} : { filter: subject }),
        ...(before === undefined ? {} : { seq: before }),
      };
      const purged = await look<{ purged: number }>(line.asker, `STREAM.PURGE.${stream}`, body);
      return purged?.purged ?? 0;
    },
  };
};
