// An actor other than a task: plain state that is a function of its events alone, and what it wants done. Pure, like everything here.
import type { ActorKindName, Json } from '@capstan/contracts';

type Body = Readonly<Record<string, Json>>;

export interface ActorEvent {
  readonly id: string;
  readonly seq: number;
  readonly at: number;
  /** What happened, and the rest of its name. */
  readonly kind: string;
  readonly name: readonly string[];
  readonly body: Body;
  /** To decide by: see `actorRules`. */
  readonly rules: number;
}

/**
 * The rules of an actor with this event: the newest that anything of it was said under. Whoever says something does so under rules that every live
 * coordinator knows; so an actor lives for ever, its rules follow from its log, and they never go back.
 */
export const actorRules = (before: number, body: Body): number =>
  Math.max(before, typeof body['rules'] === 'number' ? body['rules'] : firstRules);

/** Of whatever was said before rules were. */
export const firstRules = 1;

/** A task that told an actor something, and the key that its events are signed with. */
export interface Teller {
  readonly task: string;
  readonly key: string;
}

export type ActorEffect =
  /** Durable: an event of a task. */
  | { readonly kind: 'tell'; readonly to: Teller; readonly name: readonly (string | number)[]; readonly body: Body }
  /** Durable: a task is submitted, and its end told here; its id makes it one, however often that is done. */
  | { readonly kind: 'submit'; readonly due: number; readonly request: Body }
  /** Durable: a task is to stop. */
  | { readonly kind: 'cancel'; readonly task: string; readonly id: string; readonly reason: string }
  /** Say `woke.<n>` at that time. Follows from the state. */
  | { readonly kind: 'wake'; readonly n: number; readonly at: number }
  /** Work out which times are due after one, and say `due.<n>` once the first one is. Follows from the state. */
  | { readonly kind: 'due'; readonly n: number; readonly after: number; readonly timing: Body }
  | { readonly kind: 'unwake'; readonly n: number };

export interface ActorDecision<State> {
  readonly state: State;
  readonly effects: readonly ActorEffect[];
  /** Why the event changed nothing, where it didn't. */
  readonly ignored: string | null;
}

export interface ActorKind<State> {
  readonly kind: ActorKindName;
  readonly begin: State;
  decide(state: State, event: ActorEvent): ActorDecision<State>;
  /** What a state still wants although no event says so just now: its timers. */
  standing(state: State): readonly ActorEffect[];
}

export const unchanged = <State>(state: State, why: string): ActorDecision<State> => ({
  state,
  effects: [],
  ignored: why,
});

/** Who told it, as the performer writes it into what a task says. */
export const tellerOf = (event: ActorEvent): Teller => ({
  task: textIn(event, 'task_id'),
  key: textIn(event, 'task_key'),
});

export const textIn = ({ body }: { readonly body: Body }, name: string): string => {
  const value = body[name];
  return typeof value === 'string' ? value : '';
};
