// What the work prints, on its way to the stream of logs: masked, batched, bounded. It never holds up the work: where the
// stream can't keep up, lines are left out, and how many is said.
import { type LogLine, limits } from '@capstan/contracts';
import { type Lines, newLines } from '../lines.ts';
import type { Mask } from '../masking.ts';

export interface OutputLog {
  write(stream: string, chunk: Uint8Array | string): void;
  /** Ends every stream, and waits this long for what is on its way. */
  close(withinMs: number): Promise<void>;
}

export interface OutputLogOptions {
  readonly attempt: number;
  readonly mask: Mask;
  readonly append: (line: LogLine) => Promise<unknown>;
  readonly linesMax?: number;
}

const batchBytesMax = 32 * 1_024;
const batchAfterMs = 100;
/** Messages that wait to be stored. */
const waitingMax = 64;

export const newOutputLog = ({
  attempt,
  mask,
  append,
  linesMax = limits.logLinesPerStepMax,
}: OutputLogOptions): OutputLog => {
  const streams = new Map<string, Lines>();
  let batch: { stream: string; text: string } | null = null;
  let timer: NodeJS.Timeout | null = null;
  const waiting = new Set<Promise<unknown>>();
  let seq = 0;
  let lines = 0;
  let leftOut = 0;

  const send = (stream: string, text: string): void => {
    const sent = append({ attempt, seq: ++seq, stream, text, at: new Date().toISOString() })
      .catch(() => {
        leftOut += text.split('\n').length;
      })
      .finally(() => waiting.delete(sent));
    waiting.add(sent);
  };
  const flush = (): void => {
    if (timer) clearTimeout(timer);
    timer = null;
    const full = batch;
    batch = null;
    if (!full) return;
    if (waiting.size >= waitingMax) {
      leftOut += full.text.split('\n').length;
      return;
    }
    if (leftOut > 0) {
      send('agent', `[${leftOut} lines are left out here]`);
      leftOut = 0;
    }
    send(full.stream, full.text);
  };
  const add = (stream: string, line: string): void => {
    if (++lines > linesMax) {
      flush();
      leftOut++;
      return;
    }
    if (batch && (batch.stream !== stream || batch.text.length + line.length > batchBytesMax)) flush();
    batch = batch ? { stream, text: `${batch.text}\n${line}` } : { stream, text: line };
    timer ??= setTimeout(flush, batchAfterMs);
  };
  const linesOf = (stream: string): Lines => {
    const there = streams.get(stream) ?? newLines(mask);
    streams.set(stream, there);
    return there;
  };
  return {
    write: (stream, chunk) => {
      for (const line of linesOf(stream).push(chunk)) add(stream, line);
    },
    close: async (withinMs) => {
      for (const [stream, rest] of streams) for (const line of rest.end()) add(stream, line);
      flush();
      if (leftOut > 0) send('agent', `[${leftOut} lines are left out here]`);
      if (waiting.size === 0) return;
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const limit = setTimeout(resolve, withinMs);
      await Promise.race([Promise.all(waiting), late]);
      clearTimeout(limit);
    },
  };
};
