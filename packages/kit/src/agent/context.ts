// What an agent may use while it works on one order.
import type { Bus } from '@capstan/bus';
import type { Artifact, Order } from '@capstan/contracts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import type { Mask } from '../masking.ts';
import type { ToldRequest } from '../outbound/request.ts';
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

export const newContext = <Own>(parts: ContextParts<Own>): AgentContext<Own> => new Context(parts);

/**
 * A class, since there is one for every order: an object written with getters gets a shape of its own each time, which outlives the order, and
 * with it all that the order holds. What is a function here is made when it is asked for, and may be taken out of the context.
 */
class Context<Own> implements AgentContext<Own> {
  readonly #parts: ContextParts<Own>;

  constructor(parts: ContextParts<Own>) {
    this.#parts = parts;
  }

  get log() {
    return this.#parts.log();
  }

  get signal() {
    return this.#parts.signal();
  }

  get key() {
    return this.#parts.key;
  }

  get config() {
    return this.#parts.config;
  }

  get input() {
    return () => this.resolve(this.#parts.order.input) as Promise<Record<string, unknown>>;
  }

  // In this order: what an earlier step gave out is data, and a secret named in it is not resolved.
  get resolve() {
    const { claims, config, log } = this.#parts;
    const told = (request: ToldRequest) => log().info(request, 'Request.');
    return async (value: unknown) =>
      standsForItself(value)
        ? value
        : claims.load(await resolveSecrets(value, secretSource(config, told), this.#masks()));
  }

  get progress() {
    const { bus, order, agent, mask } = this.#parts;
    return (percent: number, message?: string) => {
      const said = { attempt: order.attempt, agent, kind: 'progress', percent: Math.min(100, Math.max(0, percent)) };
      bus.tell(
        bus.names.progress(order.task_id, order.step_id),
        JSON.stringify(message === undefined ? said : { ...said, message: mask.text(message).slice(0, 4_096) }),
      );
    };
  }

  get output() {
    return (stream: string, chunk: Uint8Array | string) => this.#parts.outputLog().write(stream, chunk);
  }

  get artifact() {
    const { claims, mask, artifacts } = this.#parts;
    return async (name: string, data: Uint8Array | string) => {
      const stored = await claims.put(
        safeName(mask.text(name)),
        mask.bytes(typeof data === 'string' ? Buffer.from(data) : data),
      );
      const artifact = { name: mask.text(name), ...stored };
      artifacts.push(artifact);
      return artifact;
    };
  }

  get load() {
    return (ref: string) => this.#parts.claims.get(ref);
  }

  get masked() {
    return (text: string) => this.#parts.mask.text(text);
  }

  get secret() {
    return (value: string) => {
      for (const each of this.#masks()) each.add(value);
    };
  }

  #masks(): Mask[] {
    return [this.#parts.mask, this.#parts.processMask];
  }
}

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
