// From a stored message to the event that the engine hears.
import { type Broker, decodeTrusted, textOf } from '@capstan/bus';
import { type Event, plan as planSchema, type Settings, type SubmittedBody } from '@capstan/contracts';
import { eventOf as readEvent } from '@capstan/engine';

/** A message as a stream keeps it. */
export interface Stored {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly seq: number;
  readonly at: number;
}

export interface Said {
  readonly task: string;
  readonly kind: string;
  readonly name: readonly string[];
}

/** Null for what is no event that the engine could hear: the coordinator puts it aside. */
export const eventOf = (broker: Broker, settings: Settings, said: Said, { seq, at, data }: Stored): Event | null => {
  const body = decodeTrusted(data);
  if (said.kind === 'submitted')
    return submittedOf(broker, settings, said.task, { seq, at }, body as unknown as SubmittedBody);
  const event = readEvent(broker.names, { ...said, seq, at, body, bytes: data.length });
  return typeof event === 'string' ? null : event;
};

/** What a submission refers to is looked up where it is kept. */
const submittedOf = (
  broker: Broker,
  settings: Settings,
  taskId: string,
  at: { readonly seq: number; readonly at: number },
  body: SubmittedBody,
): Event => {
  const bucket = broker.names.buckets.artifacts;
  const bytes =
    body.plan_ref === undefined
      ? undefined
      : broker.objects.get(bucket)?.get(body.plan_ref.ref.slice(bucket.length + 1));
  const plan = bytes === undefined ? (body.plan ?? null) : planSchema.parse(JSON.parse(textOf(bytes)));
  return {
    ...at,
    kind: 'submitted',
    taskId,
    request: body.request,
    plan,
    planHash: plan === null ? null : body.hash,
    settings,
    routes: body.routes,
    body,
  };
};
