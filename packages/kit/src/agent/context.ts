// What an agent may use while it works on one order.
import type { Bus } from '@capstan/bus';
import type { Artifact, Order } from '@capstan/contracts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import type { Mask } from '../masking.ts';
import type { ToldRequest } from '../outbound/fetch.ts';
import { resolveSecrets, secretSource } from '../secrets.ts';
import type { ClaimCheck } from './claim-check.ts';
import type { OutputLog } from './output-log.ts';

export interface AgentContext<Own = unknown> {
  /** Its lines carry task, step and attempt; values of secrets are masked in them. */
  readonly log: Logger;
  /** Aborted at the time limit, on cancellation, and when the process must end. Work should then stop and clean up. */
  readonly signal: AbortSignal;
  /** `<task>.<step>.<attempt>`: the idempotency key for anything outside. */
  readonly key: string;
  readonly config: Config<Own>;
  /** The order's input with secrets resolved and large outputs of earlier steps loaded. Not to be passed on as it is. */
  input(): Promise<Record<string, unknown>>;
  /** The same for any other value, as an agent may keep references or secrets in its state. */
  resolve(value: unknown): Promise<unknown>;
  /** For whoever watches; nobody may rely on it. */
  progress(percent: number, message?: string): void;
  /** A line, or a piece of output, for the log of this step. */
  output(stream: string, chunk: Uint8Array | string): void;
  /** Stores a file; it is listed in the report by itself. Values of secrets are overwritten in it. */
  artifact(name: string, data: Uint8Array | string): Promise<Artifact>;
  /** Reads what a step of this task has stored, by its `ref`. */
  load(ref: string): Promise<Uint8Array>;
  /** A text with the values of secrets masked; what is reported, logged or stored is masked by itself. */
  masked(text: string): string;
  /** From now on this value leaves the process only masked. */
  secret(value: string): void;
}

export interface ContextParts<Own> {
  readonly bus: Bus;
  readonly order: Order;
  readonly agent: string;
  readonly key: string;
  readonly config: Config<Own>;
  readonly log: () => Logger;
  readonly signal: () => AbortSignal;
  readonly mask: Mask;
  /** Of the process, for its log. */
  readonly processMask: Mask;
  readonly claims: ClaimCheck;
  readonly outputLog: () => OutputLog;
  readonly artifacts: Artifact[];
}

export const newContext = <Own>(parts: ContextParts<Own>): AgentContext<Own> => {
  const { bus, order, agent, key, config, log, signal, mask, processMask, claims, outputLog, artifacts } = parts;
  const masks = [mask, processMask];
  const told = (request: ToldRequest) => log().info(request, 'Request.');
  // In this order: what an earlier step gave out is data, and a secret named in it is not resolved.
  const resolve = async (value: unknown) =>
    standsForItself(value) ? value : claims.load(await resolveSecrets(value, secretSource(config, told), masks));
  return {
    get log() {
      return log();
    },
    get signal() {
      return signal();
    },
    key,
    config,
    input: async () => (await resolve(order.input)) as Record<string, unknown>,
    resolve,
    progress: (percent, message) => {
      const said = { attempt: order.attempt, agent, kind: 'progress', percent: Math.min(100, Math.max(0, percent)) };
      bus.tell(
        bus.names.progress(order.task_id, order.step_id),
        JSON.stringify(message === undefined ? said : { ...said, message: mask.text(message).slice(0, 4_096) }),
      );
    },
    output: (stream, chunk) => outputLog().write(stream, chunk),
    artifact: async (name, data) => {
      const stored = await claims.put(
        safeName(mask.text(name)),
        mask.bytes(typeof data === 'string' ? Buffer.from(data) : data),
      );
      const artifact = { name: mask.text(name), ...stored };
      artifacts.push(artifact);
      return artifact;
    },
    load: (ref) => claims.get(ref),
    masked: (text) => mask.text(text),
    secret: (value) => {
      for (const each of masks) each.add(value);
    },
  };
};

/** Nothing in it names a secret or an output kept elsewhere; so it is with most inputs. */
const standsForItself = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  if ('$secret' in value || '$ref' in value) return false;
  for (const inner of Object.values(value)) if (!standsForItself(inner)) return false;
  return true;
};

/** A name becomes a part of a key; what a key can't hold, or could climb with, becomes "_". */
const safeName = (name: string): string =>
  name
    .replace(/[^A-Za-z0-9._/=-]/g, '_')
    .replace(/(^|\/)\.+(?=\/|$)/g, '$1_')
    .slice(0, 200) || '_';
