// Nobody can do a step just now: it says so, people are told, and it goes on when somebody comes.
import { change, type Draft, idIn } from './draft.ts';
import { whenBlocked } from './policies/agent-availability.ts';
import { tellPeople } from './tell.ts';

export const block = (draft: Draft, slot: number, reason: string): void => {
  change(draft, slot, { status: 'blocked', waitingFor: reason, unrouted: null });
  whenBlocked(draft, slot, reason);
  tellPeople(draft, 'step.blocked', `"${idIn(draft, slot)}" is blocked: ${reason}`, slot);
};
