// A circuit breaker, of an agent queue or of a tool. Closed: failures in a row are counted. Open: whoever fails is told so, and nothing more is
// handed out. Half open, when the recovery time is over: one attempt decides.
import {
  type ActorDecision,
  type ActorEffect,
  type ActorEvent,
  type ActorKind,
  tellerOf,
  textIn,
  unchanged,
} from './actor.ts';

export interface BreakerState {
  readonly of: 'queue' | 'tool';
  readonly name: string;
  readonly circuit: 'closed' | 'open' | 'half_open';
  /** In a row, as far as they were told. */
  readonly failures: number;
  readonly limit: number;
  readonly recoveryMs: number;
  /** Of failures that count. */
  readonly codes: readonly string[];
  /** When it opened last, and when it will be tried again. */
  readonly openedAt: number | null;
  readonly retryAt: number | null;
  /** The timer of the recovery, by its number; numbers are never used again. */
  readonly timer: number;
  readonly trips: number;
  readonly last: { readonly code: string; readonly message: string; readonly task: string; readonly at: number } | null;
}

const begin: BreakerState = {
  of: 'queue',
  name: '',
  circuit: 'closed',
  failures: 0,
  limit: 0,
  recoveryMs: 0,
  codes: [],
  openedAt: null,
  retryAt: null,
  timer: 0,
  trips: 0,
  last: null,
};

type Decision = ActorDecision<BreakerState>;

/** The rules since which failures are told that don't count, and a task may want an answer in any case. */
const allAreTold = 3;

const failed = (before: BreakerState, event: ActorEvent): Decision => {
  const decision =
    event.rules >= allAreTold && event.body['counts'] === false ? heard(before, event) : counted(before, event);
  if (event.rules < allAreTold || event.body['asks'] !== true || decision.effects.some(({ kind }) => kind === 'tell'))
    return decision;
  return { ...decision, effects: [...decision.effects, answer(decision.state, event)], ignored: null };
};

/** It says nothing about the agent. */
const heard = (before: BreakerState, event: ActorEvent): Decision => {
  const state: BreakerState = { ...before, of: ofIn(event), name: textIn(event, 'name') };
  return { state, effects: state.circuit === 'open' ? [tell(state, event)] : [], ignored: null };
};

const ofIn = ({ body }: ActorEvent): BreakerState['of'] => (body['of'] === 'tool' ? 'tool' : 'queue');

/** The circuit is not open, so that the task may do as it would. Both breakers of an attempt say so, each under a name of its own. */
const answer = ({ of }: BreakerState, event: ActorEvent): ActorEffect => {
  const [, step = '', attempt = ''] = event.name;
  return { kind: 'tell', to: tellerOf(event), name: ['passed', step, attempt, of], body: {} };
};

const counted = (before: BreakerState, event: ActorEvent): Decision => {
  const { body } = event;
  const state: BreakerState = {
    ...before,
    of: ofIn(event),
    name: textIn(event, 'name'),
    failures: before.failures + 1,
    // As the newest task has it: a rule that was changed counts from its next failure.
    limit: Number(body['failures']),
    recoveryMs: Number(body['recovery_ms']),
    codes: Array.isArray(body['codes']) ? (body['codes'] as string[]) : [],
    last: {
      code: textIn(event, 'code'),
      message: textIn(event, 'message'),
      task: textIn(event, 'task_id'),
      at: event.at,
    },
  };
  if (state.circuit === 'open') return { state, effects: [tell(state, event)], ignored: null };
  if (state.circuit === 'closed' && state.failures < state.limit) return { state, effects: [], ignored: null };
  return open(state, event);
};

const open = (before: BreakerState, event: ActorEvent): Decision => {
  const retryAt = event.at + before.recoveryMs;
  const timer = before.timer + 1;
  const state: BreakerState = {
    ...before,
    circuit: 'open',
    openedAt: event.at,
    retryAt,
    timer,
    trips: before.trips + 1,
  };
  return { state, effects: [{ kind: 'wake', n: timer, at: retryAt }, tell(state, event)], ignored: null };
};

const tell = (state: BreakerState, event: ActorEvent): ActorEffect => {
  const [, step = '', attempt = ''] = event.name;
  return { kind: 'tell', to: tellerOf(event), name: ['tripped', step, attempt], body: { reason: openText(state) } };
};

/** In words, for people: why nothing is handed out just now. */
export const openText = ({ of, name, failures, last }: BreakerState): string =>
  `the circuit of ${of} "${name}" is open after ${failures} failure${failures === 1 ? '' : 's'} in a row; the last one was ${last?.code}: ${last?.message}`;

const close = (state: BreakerState): Decision => ({
  state: { ...state, circuit: 'closed', failures: 0, openedAt: null, retryAt: null },
  effects: state.circuit === 'open' ? [{ kind: 'unwake', n: state.timer }] : [],
  ignored: null,
});

export const breaker: ActorKind<BreakerState> = {
  kind: 'breaker',
  begin,
  decide: (state, event) => {
    switch (event.kind) {
      case 'failed':
        return failed(state, event);
      case 'succeeded':
        // What was handed out before it opened proves nothing.
        if (state.circuit === 'open') return unchanged(state, 'the circuit is open; its trial has not begun');
        return state.failures === 0 ? unchanged(state, 'nothing had failed') : close(state);
      case 'woke':
        if (state.circuit !== 'open' || Number(event.name[0]) !== state.timer)
          return unchanged(state, `timer ${event.name[0]} is no longer set`);
        return { state: { ...state, circuit: 'half_open', retryAt: null }, effects: [], ignored: null };
      case 'reset':
        return state.failures === 0 ? unchanged(state, 'the circuit is closed') : close(state);
      default:
        return unchanged(state, `a breaker does not know "${event.kind}"`);
    }
  },
  standing: ({ circuit, timer, retryAt }) =>
    circuit === 'open' && retryAt !== null ? [{ kind: 'wake', n: timer, at: retryAt }] : [],
};
