// A tenant with a quota of open tasks: who has leave to begin, and who waits for it. Leave goes by priority, which grows with the time waited, then by
// who asked first.
import { type Json, limits } from '@capstan/contracts';
import {
  type ActorDecision,
  type ActorEffect,
  type ActorEvent,
  type ActorKind,
  type Teller,
  textIn,
  unchanged,
} from './actor.ts';

export interface TenantState {
  readonly tenant: string;
  /** As the newest task has it; null where there is no limit. */
  readonly most: number | null;
  /** Tasks that have leave, with their requester. */
  readonly open: Readonly<Record<string, string>>;
  /** In the order in which they asked. */
  readonly waiting: readonly Wish[];
  /** Tasks that were over before it was heard that they want leave: what a task says in one moment may arrive in any order. */
  readonly early?: readonly string[];
}

interface Wish extends Teller {
  readonly requester: string;
  readonly level: number;
  /** How many tasks its requester may have open. */
  readonly most: number | null;
  /** When it asked; not known of those that asked under older rules. */
  readonly since?: number;
}

/** The rules since which what waits for leave goes up by one priority after a while, as steps do that wait for their turn. */
const leaveAges = 3;

const numberIn = (value: Json | undefined): number | null => (typeof value === 'number' ? value : null);

const begin: TenantState = { tenant: '', most: null, open: {}, waiting: [] };

const wants = (state: TenantState, event: ActorEvent): ActorDecision<TenantState> => {
  const [task = ''] = event.name;
  if (Object.hasOwn(state.open, task) || state.waiting.some((wish) => wish.task === task))
    return unchanged(state, `${task} has asked before`);
  if (state.early?.includes(task) === true)
    return { state: withEarly(state, without(state.early, task)), effects: [], ignored: null };
  const most = numberIn(event.body['tenant_most']);
  // A part of a task that has leave: it takes room, and waits for none.
  if (event.body['waits'] === false) {
    const open = { ...state.open, [task]: textIn(event, 'requester') };
    return { state: { ...state, tenant: textIn(event, 'tenant'), most, open }, effects: [], ignored: null };
  }
  const wish: Wish = {
    task,
    key: textIn(event, 'task_key'),
    requester: textIn(event, 'requester'),
    level: numberIn(event.body['level']) ?? 2,
    most: numberIn(event.body['requester_most']),
    ...(event.rules >= leaveAges ? { since: event.at } : {}),
  };
  const waiting = [...state.waiting, wish];
  return grant({ ...state, tenant: textIn(event, 'tenant'), most, waiting }, event);
};

const returned = (state: TenantState, event: ActorEvent): ActorDecision<TenantState> => {
  const [task = ''] = event.name;
  const waiting = state.waiting.filter((wish) => wish.task !== task);
  if (!Object.hasOwn(state.open, task) && waiting.length === state.waiting.length)
    return { state: withEarly(state, [...without(state.early ?? [], task), task]), effects: [], ignored: null };
  const { [task]: _, ...open } = state.open;
  return grant({ ...state, open, waiting }, event);
};

const without = (tasks: readonly string[], task: string): string[] => tasks.filter((id) => id !== task);

const withEarly = (before: TenantState, early: readonly string[]): TenantState => {
  const { early: _, ...state } = before;
  return early.length === 0 ? state : { ...state, early };
};

/** Gives leave to as many as there is room for. */
const grant = (before: TenantState, event: ActorEvent): ActorDecision<TenantState> => {
  const open: Record<string, string> = { ...before.open };
  const perRequester = new Map<string, number>();
  for (const requester of Object.values(open)) perRequester.set(requester, (perRequester.get(requester) ?? 0) + 1);
  let room = before.most === null ? Infinity : before.most - Object.keys(open).length;
  const effects: ActorEffect[] = [];
  const granted = new Set<Wish>();
  for (const wish of room > 0 ? inTurn(before.waiting, event) : []) {
    const has = perRequester.get(wish.requester) ?? 0;
    if (wish.most !== null && has >= wish.most) continue;
    perRequester.set(wish.requester, has + 1);
    open[wish.task] = wish.requester;
    granted.add(wish);
    effects.push({ kind: 'tell', to: { task: wish.task, key: wish.key }, name: ['granted'], body: {} });
    room -= 1;
    if (room <= 0) break;
  }
  const waiting = granted.size === 0 ? before.waiting : before.waiting.filter((wish) => !granted.has(wish));
  return { state: { ...before, open, waiting }, effects, ignored: null };
};

/** Who asked first comes first among those who are as urgent by now. */
const inTurn = (waiting: readonly Wish[], { at, rules }: ActorEvent): readonly Wish[] => {
  const levelNow = ({ level, since = 0 }: Wish): number =>
    rules < leaveAges ? level : Math.max(0, level - Math.floor(Math.max(0, at - since) / limits.ageingMs));
  return waiting.toSorted((a, b) => levelNow(a) - levelNow(b));
};

export const tenant: ActorKind<TenantState> = {
  kind: 'tenant',
  begin,
  decide: (state, event) => {
    if (event.kind === 'wants') return wants(state, event);
    if (event.kind === 'returned') return returned(state, event);
    return unchanged(state, `a tenant does not know "${event.kind}"`);
  },
  standing: () => [],
};
