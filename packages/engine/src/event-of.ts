// What the log holds as an event that can be decided on. Whether it is genuine is known before: here it is only read.
import {
  type CommandBody,
  type DecidedBody,
  type Event,
  type Json,
  limits,
  type Names,
  plainReport,
  type Report,
  type Risk,
  report as reportSchema,
} from '@capstan/contracts';

export interface SaidEvent {
  readonly task: string;
  readonly kind: string;
  /** What stands between the kind and the token in its subject. */
  readonly name: readonly string[];
  readonly seq: number;
  readonly at: number;
  readonly body: unknown;
  /** The size of its body as stored. */
  readonly bytes: number;
}

/**
 * A string says why it is none. Reports come from agents, so they are checked like anything from outside; everything else was said by a
 * coordinator, which checked it before, as its token proves. `submitted` is not read here: what it names is loaded from elsewhere.
 */
export const eventOf = (names: Names, said: SaidEvent): Event | string => {
  const { kind, name, body } = said;
  const at = { seq: said.seq, at: said.at };
  const [first = '', second = '', third] = name;
  switch (kind) {
    case 'report': {
      const report = plainReport(body as Record<string, unknown>) ?? reportIn(body);
      if (typeof report === 'string') return report;
      const event = { ...at, kind, queue: first, step: second, attempt: Number(third), report } as const;
      if (said.bytes <= limits.outputInlineBytesMax) return event;
      return { ...event, keepAt: names.outputRef(said.task, second, event.attempt) };
    }
    case 'woke':
      return { ...at, kind, n: Number(first), step: (body as { step: string | null }).step };
    case 'routed': {
      const { queue, risk } = body as { queue: string; risk?: Risk };
      return { ...at, kind, step: first, attempt: Number(second), queue, ...(risk === undefined ? {} : { risk }) };
    }
    case 'unrouted':
      return { ...at, kind, step: first, attempt: Number(second), reason: (body as { reason: string }).reason };
    case 'decided':
      return { ...at, kind, id: first, body: body as DecidedBody };
    case 'commanded':
      return { ...at, kind, id: first, body: body as CommandBody };
    case 'told':
      return { ...at, kind, what: name[0] ?? '', name: name.slice(1), body: body as Readonly<Record<string, Json>> };
    case 'redriven':
      return { ...at, kind, id: first, step: (body as { step_id: string }).step_id, by: (body as { by: string }).by };
    default:
      return `nobody knows events of kind "${kind}"`;
  }
};

const reportIn = (body: unknown): Report | string => {
  const parsed = reportSchema.safeParse(body);
  return parsed.success ? parsed.data : issueIn(parsed.error);
};

const issueIn = (error: {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}): string => {
  const [issue] = error.issues;
  return `invalid: ${issue?.path.join('.')} ${issue?.message}`;
};
