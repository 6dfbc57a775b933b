// Log lines: JSON on stderr, one a line, with who says it. Standard output is for people's output alone.
import pino from 'pino';
import type { logLevels } from './config.ts';
import type { Mask } from './masking.ts';

export type Logger = pino.Logger;

export interface LogOptions {
  readonly service: string;
  readonly instance: string;
  readonly level: (typeof logLevels)[number];
  /** What is secret to this process; each line goes through it as a whole. */
  readonly mask?: Mask;
  /** Where lines go instead of stderr. */
  readonly to?: pino.DestinationStream;
}

export const newLog = ({ service, instance, level, mask, to }: LogOptions): Logger =>
  pino(
    {
      level,
      base: { service, instance },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: briefError, err: briefError },
      ...(mask ? { hooks: { streamWrite: (line: string) => mask.text(line) } } : {}),
    },
    // Written at once: the last lines before a crash are the ones that matter.
    to ?? pino.destination({ fd: 2, sync: true }),
  );

/** A line about one step carries both ids, so that logs can be found by either. */
export const stepLog = (log: Logger, order: { task_id: string; step_id: string; attempt: number }): Logger =>
  log.child({ task: order.task_id, step: order.step_id, attempt: order.attempt });

const briefError = (error: unknown): unknown => {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return {
    name,
    message,
    ...(code === undefined ? {} : { code }),
    stack,
    ...(cause === undefined ? {} : { cause: briefError(cause) }),
  };
};
