// What one process does to the broker: asked again while the answer is lost, silent once the process is dead.
import { limits } from '@capstan/contracts';
import type { Watcher } from '../asking.ts';
import { BusError } from '../error.ts';
import type { Broker } from './broker.ts';

export class Way {
  readonly broker: Broker;
  alive = true;
  /** Questions that are open: told when the connection is closed. */
  readonly watchers = new Set<Watcher>();
  #open = 0;
  #idle: (() => void)[] = [];

  constructor(broker: Broker) {
    this.broker = broker;
  }

  ask<T>(what: string, act: (tries: number) => T): Promise<T> {
    const { broker } = this;
    const { clock, faults } = broker;
    const deadline = clock.now() + limits.publishTimeoutMs;
    const delay = (): number => faults.delayMs?.() ?? 0;
    this.#open++;
    return new Promise<T>((resolve, reject) => {
      const attempt = (tries: number): void => {
        if (!this.alive) return;
        if (clock.now() >= deadline)
          return reject(new BusError('unavailable', `${what}: the server did not take it in time.`));
        const fault = broker.up ? faults.onRequest?.(what) : 'lost';
        if (fault === 'lost')
          return void clock.later(broker.up ? limits.requestTimeoutMs : 50, () => attempt(tries + 1));
        clock.later(delay(), () => {
          if (!broker.up) return attempt(tries + 1);
          if (fault === 'refused') return reject(new BusError('unavailable', `${what}: the server refuses it.`));
          let result: T;
          try {
            result = act(tries);
          } catch (error) {
            return reject(error);
          }
          if (fault === 'unanswered') clock.later(limits.requestTimeoutMs, () => attempt(tries + 1));
          else {
            const hear = (): void => void (this.alive && resolve(result));
            const wait = delay();
            if (wait === 0) hear();
            else clock.later(wait, hear);
          }
        });
      };
      if (this.alive) attempt(1);
      else reject(new BusError('unavailable', `${what}: the connection is closed.`));
    }).finally(() => {
      this.#open--;
      if (this.#open === 0) for (const resolve of this.#idle.splice(0)) resolve();
    });
  }

  /** Resolves once nothing is being said. */
  idle(): Promise<void> {
    return this.#open === 0 || !this.alive ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }
}

/** A copy: what is sent is what it was when it was sent. */
export const bytesOf = (data: Uint8Array | string): Uint8Array => Buffer.from(data as string);
