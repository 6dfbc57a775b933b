// A tenant with a quota of open tasks: who has leave to begin, and who waits for it. Leave goes by priority, then by who asked first.
import type { Json } from '@capstan/contracts';
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
}

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
  };
  return grant({
    ...state,
    tenant: textIn(event, 'tenant'),
    most,
    waiting: [...state.waiting, wish],
  });
};

const returned = (state: TenantState, event: ActorEvent): ActorDecision<TenantState> => {
  const [task = ''] = event.name;
  const waiting = state.waiting.filter((wish) => wish.task !== task);
  if (!Object.hasOwn(state.open, task) && waiting.length === state.waiting.length)
    return { state: withEarly(state, [...without(state.early ?? [], task), task]), effects: [], ignored: null };
  const { [task]: _, ...open } = state.open;
  return grant({ ...state, open, waiting });
};

const without = (tasks: readonly string[], task: string): string[] => tasks.filter((id) => id !== task);

const withEarly = (before: TenantState, early: readonly string[]): TenantState => {
  const { early: _, ...state } = before;
  return early.length === 0 ? state : { ...state, early };
};

/** Gives leave to as many as there is room for. */
const grant = (before: TenantState): ActorDecision<TenantState> => {
  const open: Record<string, string> = { ...before.open };
  const perRequester = new Map<string, number>();
  for (const requester of Object.values(open)) perRequester.set(requester, (perRequester.get(requester) ?? 0) + 1);
  let room = before.most === null ? Infinity : before.most - Object.keys(open).length;
  const effects: ActorEffect[] = [];
  const granted = new Set<Wish>();
  for (const wish of room > 0 ? before.waiting.toSorted((a, b) => a.level - b.level) : []) {
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
