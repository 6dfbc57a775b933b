// What `pulumi up --json` prints: an event a line. In it are values in clear that are secret elsewhere, so nothing but what is read here goes on.
import { z } from 'zod';

/** As far as it is read here. */
const event = z.looseObject({
  summaryEvent: z
    .looseObject({ durationSeconds: z.number().optional(), resourceChanges: z.record(z.string(), z.int()).nullish() })
    .optional(),
  diagnosticEvent: z.looseObject({ severity: z.string(), message: z.string() }).optional(),
});

export interface Applied {
  readonly changes: Record<string, number>;
  readonly duration_ms: number;
}

export const appliedIn = (printed: string): Applied => {
  const last = eventsIn(printed).findLast(({ summaryEvent }) => summaryEvent !== undefined)?.summaryEvent;
  return { changes: last?.resourceChanges ?? {}, duration_ms: Math.round((last?.durationSeconds ?? 0) * 1_000) };
};

/** Null where it says of none. */
export const errorsIn = (printed: string): string | null => {
  const errors = eventsIn(printed).flatMap(({ diagnosticEvent }) =>
    diagnosticEvent?.severity === 'error' ? [diagnosticEvent.message.replaceAll(/<\{%[^%]*%\}>/g, '').trim()] : [],
  );
  return errors.length > 0 ? errors.join('\n') : null;
};

const eventsIn = (printed: string): z.output<typeof event>[] =>
  printed.split('\n').flatMap((line) => {
    try {
      const parsed = event.safeParse(JSON.parse(line));
      return parsed.success ? [parsed.data] : [];
    } catch {
      return [];
    }
  });
