// The rulebook's front door: a state and an event give the next state and what is to be done. Pure: the same for every reader of the log.
import type { Effect, Event } from '@capstan/contracts';
import { closeDraft, type Draft, openDraft } from './draft.ts';
import { commanded } from './events/commanded.ts';
import { decided } from './events/decided.ts';
import { redriven } from './events/redriven.ts';
import { reported } from './events/report.ts';
import { routed, unrouted } from './events/routed.ts';
import { submitted } from './events/submitted.ts';
import { told } from './events/told.ts';
import { woke } from './events/woke.ts';
import { settle } from './settle.ts';
import type { TaskState } from './state.ts';

export interface Decision {
  readonly state: TaskState | null;
  readonly effects: readonly Effect[];
  /** Why the event changed nothing, where it didn't. */
  readonly ignored: string | null;
}

export const decide = (state: TaskState | null, event: Event): Decision => {
  if (state === null) {
    if (event.kind !== 'submitted') return { state: null, effects: [], ignored: 'there is no such task' };
    return close(submitted(event));
  }
  // A name is accepted once, so a second submission can only be one that was said again after its name was forgotten.
  if (event.kind === 'submitted')
    return { state: { ...state, seq: event.seq }, effects: [], ignored: 'the task exists already' };
  const draft = openDraft(state, event);
  handle(draft, event);
  if (draft.ignored !== null)
    return { state: { ...state, seq: event.seq, at: draft.at }, effects: [], ignored: draft.ignored };
  return close(draft);
};

const close = (draft: Draft): Decision => {
  settle(draft);
  return { state: closeDraft(draft), effects: draft.effects, ignored: null };
};

const handle = (draft: Draft, event: Exclude<Event, { kind: 'submitted' }>): void => {
  switch (event.kind) {
    case 'report':
      return reported(draft, event);
    case 'woke':
      return woke(draft, event);
    case 'routed':
      return routed(draft, event);
    case 'unrouted':
      return unrouted(draft, event);
    case 'decided':
      return decided(draft, event);
    case 'commanded':
      return commanded(draft, event);
    case 'redriven':
      return redriven(draft, event);
    case 'told':
      return told(draft, event);
    default:
      return event satisfies never;
  }
};
