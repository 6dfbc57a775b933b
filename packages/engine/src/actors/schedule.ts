// A schedule: what is done when a time is due. Which times are due, with time zones and all, is worked out elsewhere and said as an event.
import type { Json } from '@capstan/contracts';
import { type ActorDecision, type ActorEffect, type ActorEvent, type ActorKind, textIn, unchanged } from './actor.ts';

type Body = Readonly<Record<string, Json>>;
export type Overlap = 'skip' | 'queue' | 'cancel_other' | 'allow';
export type CatchUp = 'none' | 'latest' | 'all';
export type Outcome = 'started' | 'skipped' | 'queued' | 'missed' | 'refused';

export interface ScheduleState {
  readonly name: string;
  /** As it was put; null once it is deleted. */
  readonly spec: Body | null;
  readonly by: string | null;
  /** The number of the present alarm; never used again. */
  readonly n: number;
  /** Every time up to here is dealt with. */
  readonly after: number;
  /** Tasks of it that have not ended, and times that wait for that. */
  readonly running: readonly string[];
  readonly queued: readonly number[];
  /** The newest last. */
  readonly recent: readonly Recent[];
  readonly started: number;
}

interface Recent {
  readonly due: number;
  readonly outcome: Outcome;
  readonly task: string | null;
  readonly why: string | null;
}

const begin: ScheduleState = {
  name: '',
  spec: null,
  by: null,
  n: 0,
  after: 0,
  running: [],
  queued: [],
  recent: [],
  started: 0,
};

const recentKept = 20;
const queuedMax = 100;
const runningMax = 1_000;
/** A time that was met so late was met, and not missed. */
export const lateMs = 60_000;

class Draft {
  state: ScheduleState;
  readonly effects: ActorEffect[] = [];
  readonly #event: ActorEvent;

  constructor(state: ScheduleState, event: ActorEvent) {
    this.state = state;
    this.#event = event;
  }
  set(patch: Partial<ScheduleState>): void {
    this.state = { ...this.state, ...patch };
  }
  note(due: number, outcome: Outcome, task: string | null = null, why: string | null = null): void {
    this.set({ recent: [...this.state.recent.slice(1 - recentKept), { due, outcome, task, why }] });
  }
  start(due: number): void {
    const { name, spec, running, started } = this.state;
    const task = taskIdOf(name, due);
    this.effects.push({ kind: 'submit', due, request: { ...(spec?.['task'] as Body), task_id: task } });
    this.set({ running: [...running.slice(1 - runningMax), task], started: started + 1 });
    this.note(due, 'started', task);
  }
  cancelRunning(due: number): void {
    const { seq } = this.#event;
    for (const task of this.state.running)
      this.effects.push({
        kind: 'cancel',
        task,
        id: `${this.#event.id}-${seq}`,
        reason: `the schedule "${this.state.name}" began anew at ${iso(due)}`,
      });
    this.set({ running: [] });
  }
  /** Sets the alarm anew. */
  arm(): void {
    const { spec, after } = this.state;
    const n = this.state.n + 1;
    this.set({ n });
    this.effects.push({ kind: 'unwake', n: n - 1 });
    if (spec !== null && spec['paused'] !== true) this.effects.push({ kind: 'due', n, after, timing: timingOf(spec) });
  }
  done(): ActorDecision<ScheduleState> {
    return { state: this.state, effects: this.effects, ignored: null };
  }
}

const timingOf = ({ cron, at, time_zone }: Body): Body => ({
  ...(cron === undefined ? {} : { cron }),
  ...(at === undefined ? {} : { at }),
  ...(time_zone === undefined ? {} : { time_zone }),
});

const iso = (at: number): string => new Date(at).toISOString();
/** One name for a due time, however often it fires: `nightly-20261121T030000Z`. */
export const taskIdOf = (name: string, due: number): string => `${name}-${iso(due).replaceAll(/[-:]|\.\d{3}/g, '')}`;

const put = (state: ScheduleState, event: ActorEvent): ActorDecision<ScheduleState> => {
  const { spec, by } = event.body as { readonly spec: Body; readonly by: string };
  if (JSON.stringify(spec) === JSON.stringify(state.spec)) return unchanged(state, 'it is so already');
  const draft = new Draft(state, event);
  // A time that is said in so many words is due even where it passed on the way here.
  draft.set({ name: textIn({ body: spec }, 'name'), spec, by, after: spec['at'] === undefined ? event.at : 0 });
  draft.arm();
  return draft.done();
};

const remove = (state: ScheduleState, event: ActorEvent): ActorDecision<ScheduleState> => {
  if (state.spec === null) return unchanged(state, 'there is no such schedule');
  const draft = new Draft(state, event);
  draft.set({ spec: null, queued: [] });
  draft.arm();
  return draft.done();
};

const due = (state: ScheduleState, event: ActorEvent): ActorDecision<ScheduleState> => {
  const { times } = event.body as { readonly times: readonly number[] };
  if (state.spec === null || Number(event.name[0]) !== state.n)
    return unchanged(state, `alarm ${event.name[0]} is no longer set`);
  const draft = new Draft(state, event);
  const catchUp = (state.spec['catch_up'] ?? 'latest') as CatchUp;
  const isMet = (time: number, at: number): boolean =>
    catchUp === 'all' || (catchUp === 'latest' ? at === times.length - 1 : event.at - time <= lateMs);
  times.forEach((time, at) => (isMet(time, at) ? meet(draft, time) : draft.note(time, 'missed')));
  draft.set({ after: times[times.length - 1] ?? state.after });
  draft.arm();
  return draft.done();
};

const meet = (draft: Draft, time: number): void => {
  const overlap = (draft.state.spec?.['overlap'] ?? 'skip') as Overlap;
  const { running, queued } = draft.state;
  if (running.length === 0 || overlap === 'allow') return draft.start(time);
  switch (overlap) {
    case 'skip':
      return draft.note(time, 'skipped', null, `${running[0]} has not ended`);
    case 'queue':
      if (queued.length >= queuedMax) return draft.note(time, 'skipped', null, `${queuedMax} wait already`);
      draft.set({ queued: [...queued, time] });
      return draft.note(time, 'queued', null, `${running[0]} has not ended`);
    case 'cancel_other':
      draft.cancelRunning(time);
      return draft.start(time);
    default:
      return overlap satisfies never;
  }
};

/** One of its tasks has ended, or was never taken. */
const ended = (state: ScheduleState, event: ActorEvent): ActorDecision<ScheduleState> => {
  const [task = ''] = event.name;
  if (!state.running.includes(task)) return unchanged(state, `${task} is not one that it waits for`);
  const draft = new Draft(state, event);
  draft.set({ running: state.running.filter((id) => id !== task) });
  if (event.kind === 'refused') {
    const started = state.recent.findLast((one) => one.task === task);
    draft.note(started?.due ?? event.at, 'refused', task, textIn(event, 'reason'));
  }
  const [next, ...rest] = state.queued;
  if (next !== undefined && draft.state.running.length === 0) {
    draft.set({ queued: rest });
    draft.start(next);
  }
  return draft.done();
};

export const schedule: ActorKind<ScheduleState> = {
  kind: 'schedule',
  begin,
  decide: (state, event) => {
    switch (event.kind) {
      case 'put':
        return put(state, event);
      case 'deleted':
        return remove(state, event);
      case 'due':
        return due(state, event);
      case 'ended':
      case 'refused':
        return ended(state, event);
      default:
        return unchanged(state, `a schedule does not know "${event.kind}"`);
    }
  },
  standing: ({ spec, n, after }) =>
    spec === null || spec['paused'] === true ? [] : [{ kind: 'due', n, after, timing: timingOf(spec) }],
};
