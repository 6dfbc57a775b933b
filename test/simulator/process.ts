// A simulated process: it has a bus and a clock of its own, and may die at any call of a port, before it has any effect or before its answer is
// heard. What it had in memory is gone then, and a new one is started from what is stored.
import { type Broker, type Bus, memoryBus, type MemoryBus } from '@capstan/bus';
import type { SimClock, Timeline } from './clock.ts';
import type { Random } from './random.ts';

export interface Body {
  stop(): Promise<void>;
}

export interface Life {
  readonly bus: Bus;
  readonly clock: SimClock;
  /** Counts the lives of this process: no two share what must be their own. */
  readonly life: number;
  /** The process ends itself, as after an error that it can't handle. */
  die(error: unknown): void;
}

export interface Frost {
  /** At most so long. */
  readonly ms: number;
  /** Calls back when it is to wake up before that. */
  readonly until?: (wake: () => void) => void;
}

export interface ProcessOptions {
  readonly name: string;
  readonly broker: Broker;
  readonly timeline: Timeline;
  readonly random: Random;
  /** How likely it dies at a call of a port, now. */
  crashChance(): number;
  /** Whether it freezes at a call of a port, just before that has any effect. */
  frostAt?(call: string, args: readonly unknown[]): Frost | null;
  begin(life: Life): Promise<Body>;
  onDeath(why: string): void;
  readonly restartMs: readonly [number, number];
}

export class SimProcess {
  readonly name: string;
  readonly #options: ProcessOptions;
  #bus: MemoryBus | null = null;
  #cancels = new Set<() => void>();
  #life = 0;
  #body: Body | null = null;
  /** While it is frozen: what it would have done, in order. */
  #held: (() => void)[] | null = null;
  alive = false;

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.name = options.name;
  }

  start(): void {
    const { broker, begin } = this.#options;
    this.#life += 1;
    const life = this.#life;
    const bus = memoryBus(broker);
    this.#bus = bus;
    this.#held = null;
    this.#cancels = new Set();
    this.alive = true;
    const isCurrent = (): boolean => this.alive && this.#life === life;
    const die = (error: unknown): void => {
      if (isCurrent()) this.crash(`ended itself: ${error instanceof Error ? error.message : String(error)}`);
    };
    begin({ bus: this.#mortal(bus, isCurrent), clock: this.#clock(isCurrent, die), life, die }).then((body) => {
      if (isCurrent()) this.#body = body;
    }, die);
  }

  crash(why: string): void {
    if (!this.alive) return;
    this.alive = false;
    this.#body = null;
    this.#bus?.crash();
    for (const cancel of this.#cancels) cancel();
    const { timeline, random, restartMs, onDeath } = this.#options;
    onDeath(`${this.name} ${why}`);
    timeline.later(random.int(...restartMs), () => this.start());
  }

  /** Stopped in its tracks, as by SIGSTOP or a long garbage collection; the world goes on without it, and it wakes up knowing nothing of that. */
  freeze(ms: number, until?: Frost['until']): void {
    if (!this.alive || this.#held !== null) return;
    const held: (() => void)[] = [];
    this.#held = held;
    this.#options.onDeath(`${this.name} is frozen for ${ms} ms`);
    const wake = (): void => {
      if (this.#held !== held) return;
      this.#held = null;
      for (const act of held) act();
    };
    this.#options.timeline.later(ms, wake);
    until?.(wake);
  }

  /** Now, or as soon as it can move again. */
  #whenAwake(act: () => void): void {
    if (this.#held === null) act();
    else this.#held.push(act);
  }

  /** Stopped as by SIGTERM: it hands over what it has, and is started again; at worst it is killed after a while. */
  roll(): void {
    const body = this.#body;
    const life = this.#life;
    if (!this.alive || body === null) return;
    this.#body = null;
    this.#options.onDeath(`${this.name} is told to stop`);
    const end = (): void => {
      if (this.#life === life) this.crash('has stopped');
    };
    this.#options.timeline.later(stopMs, end);
    body.stop().then(end, end);
  }

  #clock(isCurrent: () => boolean, die: (error: unknown) => void): SimClock {
    const { timeline } = this.#options;
    const cancels = this.#cancels;
    const guarded = (act: () => void) => () =>
      this.#whenAwake(() => {
        if (!isCurrent()) return;
        try {
          act();
        } catch (error) {
          die(error);
        }
      });
    const kept = (cancel: () => void): (() => void) => {
      cancels.add(cancel);
      return () => {
        cancels.delete(cancel);
        cancel();
      };
    };
    return {
      now: timeline.now,
      later: (ms, act) => kept(timeline.later(ms, guarded(act))),
      every: (ms, act) => kept(timeline.every(ms, guarded(act))),
    };
  }

  /** The bus, with death at every call. */
  #mortal<T extends object>(target: T, isCurrent: () => boolean): T {
    const { random, crashChance, frostAt } = this.#options;
    const wrapped = new Map<unknown, unknown>();
    return new Proxy(target, {
      get: (of, key) => {
        const value = Reflect.get(of, key, of) as unknown;
        if (typeof value !== 'function') return value;
        const known = wrapped.get(value);
        if (known !== undefined) return known;
        const call = (...args: unknown[]): unknown => {
          // Streams and buckets are ports too; those of a dead process never answer.
          const opened =
            key === 'log' || key === 'store' || key === 'objects'
              ? this.#mortal(Reflect.apply(value, of, args) as object, isCurrent)
              : null;
          if (!isCurrent()) return opened ?? new Promise(() => {});
          const chance = crashChance() * (writes.has(key) ? 3 : 0.5);
          const fate = chance > 0 && random.chance(chance) ? random.pick(['before', 'after'] as const) : null;
          if (fate === 'before') {
            this.crash(`died before ${String(key)}`);
            return opened ?? new Promise(() => {});
          }
          if (opened !== null) {
            if (fate === 'after') this.crash(`died after ${String(key)}`);
            return opened;
          }
          const act = (): unknown =>
            Reflect.apply(
              value,
              of,
              args.map((arg) => this.#heard(arg)),
            );
          const isFrozen = this.#held !== null;
          const frost = fate === null && !isFrozen && writes.has(key) ? frostAt?.(String(key), args) : null;
          if (frost) this.freeze(frost.ms, frost.until);
          // What it says in the same breath comes after what it froze at.
          if (frost || (isFrozen && !atOnce.has(key))) {
            return this.#answered(new Promise((resolve) => this.#whenAwake(() => resolve(act()))));
          }
          const result = act();
          if (fate === 'after') {
            this.crash(`died after ${String(key)}`);
            // Nobody is left who would hear how it went.
            if (result instanceof Promise) result.catch(() => {});
            return new Promise(() => {});
          }
          return result instanceof Promise ? this.#answered(result) : result;
        };
        wrapped.set(value, call);
        return call;
      },
    });
  }

  /** An answer reaches a frozen process when it wakes up. */
  #answered(result: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      result.then(
        (value) => this.#whenAwake(() => resolve(value)),
        (error: unknown) => this.#whenAwake(() => reject(error)),
      );
    });
  }

  /** So does whatever a port calls back with. */
  #heard(arg: unknown): unknown {
    if (typeof arg === 'function') {
      return (...args: unknown[]): unknown => {
        if (this.#held === null) return Reflect.apply(arg, undefined, args);
        return new Promise((resolve) => this.#whenAwake(() => resolve(Reflect.apply(arg, undefined, args))));
      };
    }
    if (typeof arg !== 'object' || arg === null || Object.getPrototypeOf(arg) !== Object.prototype) return arg;
    return Object.fromEntries(
      Object.entries(arg).map(([key, value]) => [
        key,
        Array.isArray(value) ? value.map((item) => this.#heard(item)) : this.#heard(value),
      ]),
    );
  }
}

/** These give an answer and not a promise of one. */
const atOnce: ReadonlySet<string | symbol> = new Set(['tell', 'listen', 'connected']);

/** Dying beside one of these is what tells a careful process from another. */
const writes: ReadonlySet<string | symbol> = new Set(['once', 'append', 'set', 'setAll', 'put', 'remove', 'ack']);

const stopMs = 35_000;
