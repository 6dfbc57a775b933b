// Given, when, then, for actors: tells one what happens, and keeps what it wants done.
import type { Json } from '@capstan/contracts';
import { deepFreeze } from '../freeze.ts';
import { rulesVersion } from '../state.ts';
import type { ActorEffect, ActorKind } from './actor.ts';

export class ActorWorld<State> {
  readonly #kind: ActorKind<State>;
  state: State;
  at = Date.UTC(2026, 0, 1);
  seq = 0;
  rules = rulesVersion;
  readonly effects: ActorEffect[] = [];
  last: readonly ActorEffect[] = [];
  ignored: string | null = null;

  constructor(kind: ActorKind<State>) {
    this.#kind = kind;
    this.state = deepFreeze(kind.begin);
  }

  tell(kind: string, name: readonly string[] = [], body: Readonly<Record<string, Json>> = {}): this {
    this.seq += 1;
    const event = { id: 'x', seq: this.seq, at: this.at, kind, name, body, rules: this.rules };
    const decision = deepFreeze(this.#kind.decide(this.state, deepFreeze(event)));
    this.state = decision.state;
    this.last = decision.effects;
    this.ignored = decision.ignored;
    this.effects.push(...decision.effects);
    return this;
  }
  later(ms: number): this {
    this.at += ms;
    return this;
  }
  /** What the last event wanted, by kind. */
  of<K extends ActorEffect['kind']>(kind: K): Extract<ActorEffect, { kind: K }>[] {
    return this.last.filter((effect): effect is Extract<ActorEffect, { kind: K }> => effect.kind === kind);
  }
  /** Lets the timer that a loaded state asks for ring. */
  wake(): this {
    const [timer] = this.#kind.standing(this.state);
    if (timer?.kind !== 'wake') throw new Error('no timer is set');
    this.at = Math.max(this.at, timer.at);
    return this.tell('woke', [String(timer.n)]);
  }
}
