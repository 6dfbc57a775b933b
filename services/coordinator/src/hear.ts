// From a stored message to an event that the engine can hear: its token is checked, its body parsed, what it refers to is loaded.
import { decode, decodeTrusted, type Message } from '@capstan/bus';
import {
  type CommandBody,
  type DecidedBody,
  type Event,
  limits,
  parseEventSubject,
  report as reportSchema,
  type SubmittedBody,
} from '@capstan/contracts';
import type { World } from './world.ts';

export interface Heard {
  readonly partition: number;
  readonly task: string;
  readonly kind: string;
  readonly name: readonly string[];
  readonly token: string;
  readonly message: Message;
}

export const hear = (world: World, message: Message): Heard | null => {
  const parsed = parseEventSubject(world.names, message.subject);
  return parsed === null ? null : { ...parsed, message };
};

/** Whether whoever said it was told where to say it. */
export const isGenuine = (world: World, heard: Heard, key: string): boolean => {
  const { subject } = heard.message;
  return world.ring.check(key, subject.slice(0, subject.length - heard.token.length - 1), heard.token);
};

/**
 * A genuine event of a task that exists; a string says why it is none. Reports come from agents, so they are checked like anything from
 * outside; everything else was said by a coordinator, which checked it before, as its token proves.
 */
export const eventFrom = (world: World, heard: Heard): Event | string => {
  const { kind, name, message } = heard;
  const at = { seq: message.seq, at: message.at };
  if (kind === 'report') {
    const decoded = decode(message.data);
    if (!decoded.ok) return `${decoded.reason}: ${decoded.message}`;
    const parsed = reportSchema.safeParse(decoded.value);
    if (!parsed.success) return issueIn(parsed.error);
    const [queue = '', step = '', attempt] = name;
    const event = { ...at, kind, queue, step, attempt: Number(attempt), report: parsed.data } as const;
    if (message.data.length <= limits.outputInlineBytesMax) return event;
    return { ...event, keepAt: world.names.outputRef(heard.task, step, event.attempt) };
  }
  const body = decodeTrusted(message.data);
  switch (kind) {
    case 'woke':
      return { ...at, kind, n: Number(name[0]), step: (body as { step: string | null }).step };
    case 'routed':
      return { ...at, kind, step: name[0] ?? '', attempt: Number(name[1]), queue: (body as { queue: string }).queue };
    case 'unrouted':
      return {
        ...at,
        kind,
        step: name[0] ?? '',
        attempt: Number(name[1]),
        reason: (body as { reason: string }).reason,
      };
    case 'decided':
      return { ...at, kind, id: name[0] ?? '', body: body as DecidedBody };
    case 'commanded':
      return { ...at, kind, id: name[0] ?? '', body: body as CommandBody };
    case 'redriven':
      return {
        ...at,
        kind,
        id: name[0] ?? '',
        step: (body as { step_id: string }).step_id,
        by: (body as { by: string }).by,
      };
    default:
      return `nobody knows events of kind "${kind}"`;
  }
};

const issueIn = (error: {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}): string => {
  const [issue] = error.issues;
  return `invalid: ${issue?.path.join('.')} ${issue?.message}`;
};

/** The body of a `submitted` that is genuine, else null: its own key id says which key made its token. */
export const submittedFrom = (world: World, heard: Heard): SubmittedBody | null => {
  const decoded = decode(heard.message.data, { bytesMax: 2 * limits.bodyBytesMax, depthMax: limits.jsonDepthMax + 8 });
  if (!decoded.ok || typeof decoded.value['key'] !== 'string' || !isGenuine(world, heard, decoded.value['key']))
    return null;
  return decoded.value as unknown as SubmittedBody;
};
