// The streams and buckets of an installation and the settings that matter of each. Making them is in prepare.ts.
import { limits, type Names } from '@capstan/contracts';
import { nanos } from './api.ts';

export interface Spec {
  readonly name: string;
  readonly what: string;
  /** What correctness rests on: put right wherever it differs. */
  readonly must: Readonly<Record<string, unknown>>;
  /** What an operator may change: set when the stream is made, and where the options name it. */
  readonly may: Readonly<Record<string, unknown>>;
  /** Never without `max_bytes`: where nobody chose one, as much as there is room for. */
  readonly bounded?: true;
}

export interface Sizes {
  readonly eventsBytesMax?: number | undefined;
  readonly tasksBytesMax?: number | undefined;
  readonly dlqBytesMax?: number | undefined;
  readonly dlqAgeMs?: number | undefined;
  readonly logBytesMax?: number | undefined;
  readonly logAgeMs?: number | undefined;
  readonly artifactBytesMax?: number | undefined;
}

/** No message may replace others by a header, and none is removed by hand. */
const kept = { allow_rollup_hdrs: false, deny_delete: true, allow_direct: false, discard: 'new' };

export const streamsOf = (names: Names, sizes: Sizes): readonly Spec[] => {
  const { streams, buckets } = names;
  const bytes = (max: number | undefined): { max_bytes: number } => ({ max_bytes: max ?? -1 });
  return [
    {
      name: streams.events,
      what: 'events',
      // Never by age: an event goes once nothing needs it, by purging.
      must: {
        subjects: [names.events()],
        retention: 'limits',
        ...kept,
        deny_purge: false,
        allow_atomic: true,
        max_age: 0,
      },
      may: bytes(sizes.eventsBytesMax),
      bounded: true,
    },
    {
      name: streams.orders,
      what: 'orders',
      must: {
        subjects: [names.orders()],
        retention: 'limits',
        ...kept,
        deny_purge: false,
        allow_atomic: true,
        max_age: 0,
      },
      may: {},
    },
    {
      name: streams.tasks,
      what: 'the plain door',
      // Takes whatever the server takes: an oversize body must reach the dead letters. A work queue forgets by acknowledgement, not by `deny_delete`.
      must: {
        subjects: names.submits,
        retention: 'workqueue',
        ...kept,
        deny_delete: false,
        deny_purge: false,
        max_msg_size: -1,
      },
      may: bytes(sizes.tasksBytesMax),
    },
    {
      name: streams.dlq,
      what: 'dead letters',
      must: { subjects: [names.dlqs], retention: 'limits', ...kept, deny_purge: true },
      may: { max_age: nanos(sizes.dlqAgeMs ?? limits.dlqAgeMs), max_bytes: sizes.dlqBytesMax ?? limits.dlqBytesMax },
    },
    {
      name: streams.logs,
      what: 'output of steps',
      must: {
        subjects: [names.logs],
        retention: 'limits',
        ...kept,
        deny_delete: false,
        deny_purge: false,
        discard: 'old',
        allow_direct: true,
      },
      may: {
        max_age: nanos(sizes.logAgeMs ?? limits.logAgeMs),
        max_bytes: sizes.logBytesMax ?? limits.logBytesMax,
        max_msgs_per_subject: limits.logLinesPerStepMax,
      },
    },
    {
      name: streams.advisories,
      what: 'hints that an order fell silent',
      must: {
        subjects: names.advisories,
        retention: 'limits',
        ...kept,
        deny_delete: false,
        deny_purge: false,
        discard: 'old',
      },
      may: { max_age: nanos(limits.logAgeMs), max_bytes: 64 * 1_024 * 1_024 },
    },
    bucket(buckets.tasks, 'tasks as they stand'),
    bucket(buckets.inbox, 'what waits for a person'),
    bucket(buckets.keys, 'the keys of event tokens'),
    bucket(buckets.agents, 'live agents', limits.agentTtlMs),
    bucket(buckets.tools, 'what agents say of their tools'),
    bucket(buckets.answers, 'what models answered', limits.modelAnswerAgeMs),
    bucket(buckets.members, 'live coordinators', limits.memberTtlMs),
    {
      name: `OBJ_${buckets.artifacts}`,
      what: 'artifacts',
      must: {
        subjects: [`$O.${buckets.artifacts}.C.>`, `$O.${buckets.artifacts}.M.>`],
        retention: 'limits',
        discard: 'new',
        allow_rollup_hdrs: true,
        allow_direct: true,
      },
      // Done by the server, where it pays: a client in any language reads what was put (46.9 MB of log lines took 10.6 MB of disk).
      may: { ...bytes(sizes.artifactBytesMax), compression: 's2' },
    },
  ];
};

/** A KV bucket as every client knows it; made as a stream, since KV clients can't ask for atomic batches. */
const bucket = (name: string, what: string, ttlMs = 0): Spec => ({
  name: `KV_${name}`,
  what,
  must: {
    subjects: [`$KV.${name}.>`],
    retention: 'limits',
    max_msgs_per_subject: 1,
    discard: 'new',
    deny_delete: true,
    deny_purge: false,
    allow_rollup_hdrs: true,
    // Replicas may answer with what was true a moment ago; decisions are made on what is read here.
    allow_direct: false,
    allow_atomic: true,
    allow_msg_ttl: true,
    max_age: nanos(ttlMs),
    // Whoever watches is told when a key's time is over.
    ...(ttlMs > 0 ? { duplicate_window: nanos(ttlMs), subject_delete_marker_ttl: nanos(60_000) } : {}),
  },
  may: {},
});
