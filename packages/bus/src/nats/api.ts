// JetStream's own API, as far as it is needed while running: the streams themselves are made in prepare.ts.
import type { BusError } from '../error.ts';
import { textOf } from '../decode.ts';
import type { Asker } from './asker.ts';
import { errorIn, isMissing, mayPass, refusal, type ServerError } from './refusal.ts';

export type Reply<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ServerError };

/** Asks again by itself while the server can't tell; throws `unavailable` in the end. What it refuses comes back. */
export const call = <T>(asker: Asker, verb: string, body: unknown, patienceMs?: number): Promise<Reply<T>> =>
  new Promise((resolve, reject: (error: BusError) => void) => {
    const onAnswer = (answer: Uint8Array): boolean => {
      const text = textOf(answer);
      // Only a refusal has "error" as a key of its own; a body that talks of errors is in base64 or escaped.
      const error = errorIn(text);
      if (error === null) resolve({ ok: true, value: JSON.parse(text) as T });
      else if (mayPass(error)) return true;
      else resolve({ ok: false, error });
      return false;
    };
    const subject = `$JS.API.${verb}`;
    const data = body === undefined ? '' : JSON.stringify(body);
    asker.ask({ subject, data, onAnswer, onFail: reject, ...(patienceMs === undefined ? {} : { patienceMs }) });
  });

/** The same, where "not found" is an answer and anything else a failure. */
export const look = async <T>(asker: Asker, verb: string, body?: unknown, patienceMs?: number): Promise<T | null> => {
  const reply = await call<T>(asker, verb, body, patienceMs);
  if (reply.ok) return reply.value;
  if (isMissing(reply.error)) return null;
  throw refusal(reply.error, verb);
};

export interface StreamState {
  readonly first_seq: number;
  readonly last_seq: number;
  readonly messages: number;
  readonly bytes: number;
}

export interface StreamInfo {
  readonly created: string;
  readonly state: StreamState;
  readonly config: { readonly max_bytes?: number; readonly max_age?: number };
}

export interface ConsumerInfo {
  readonly name: string;
  readonly delivered: { readonly stream_seq: number };
  readonly ack_floor: { readonly stream_seq: number };
  readonly num_pending: number;
  readonly num_ack_pending: number;
}

/** Makes a consumer; the subject names its filter where it has one, so that a permission can too. */
export const makeConsumer = (
  asker: Asker,
  stream: string,
  config: ConsumerConfig,
  action: '' | 'create',
): Promise<Reply<ConsumerInfo>> => {
  const filter = config.filter_subject === undefined ? '' : `.${config.filter_subject}`;
  return call(asker, `CONSUMER.CREATE.${stream}.${config.name}${filter}`, { stream_name: stream, config, action });
};

export interface ConsumerConfig {
  readonly name: string;
  readonly durable_name?: string;
  readonly deliver_policy: 'all' | 'last_per_subject' | 'by_start_sequence' | 'by_start_time';
  readonly opt_start_seq?: number;
  readonly opt_start_time?: string;
  readonly ack_policy: 'none' | 'explicit';
  readonly ack_wait?: number;
  readonly max_deliver?: number;
  readonly max_ack_pending?: number;
  readonly filter_subject?: string;
  readonly filter_subjects?: readonly string[];
  readonly replay_policy: 'instant';
  readonly headers_only?: boolean;
  readonly mem_storage?: boolean;
  readonly num_replicas?: number;
  readonly inactive_threshold?: number;
}

export const nanos = (ms: number): number => ms * 1_000_000;
