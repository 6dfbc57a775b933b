// An event and what was decided on it, in words for a person.
import type { Effect, Event } from '@capstan/contracts';
import { clean } from '../text.ts';
import type { Entry } from './fold.ts';

export const timeOf = (at: number): string => new Date(at).toISOString().slice(0, 23).replace('T', ' ');

/** What was said, in one line. */
export const eventWords = ({ kind, name, event, verdict }: Entry): string => {
  // What the engine failed on may be of any shape.
  const isReadable = event !== null && verdict !== 'threw' && verdict !== 'skipped';
  return clean(isReadable ? wordsOf(event) : [kind, ...name].join(' '));
};

const wordsOf = (event: Event): string => {
  switch (event.kind) {
    case 'submitted': {
      const { request, plan } = event;
      const what = plan === null ? 'to be planned' : `${plan.steps.length} steps in its plan`;
      return `submitted by ${request.requester ?? 'somebody'}: "${request.title ?? event.taskId}", ${what}`;
    }
    case 'report': {
      const { report } = event;
      const error = report.error === undefined ? '' : `: ${report.error.code}: ${report.error.message}`;
      return `report of ${event.step}.${event.attempt} by ${report.agent}: ${report.outcome}${error}`;
    }
    case 'woke':
      return event.step === null ? `timer ${event.n} is due` : `timer ${event.n} of ${event.step} is due`;
    case 'routed':
      return `a queue was found for ${event.step}.${event.attempt}: ${event.queue}`;
    case 'unrouted':
      return `no queue for ${event.step}.${event.attempt}: ${event.reason}`;
    case 'decided':
      return `${event.body.by} decided on ${event.id}: ${event.body.decision}`;
    case 'commanded':
      return `${event.body.by} commanded: ${event.body.command}${event.body.step_id === undefined ? '' : ` ${event.body.step_id}`}`;
    case 'redriven':
      return `${event.by} redrove ${event.step}`;
    default:
      return (event as Event).kind;
  }
};

/** What is to be done for it, one line each. */
export const effectWords = (effect: Effect): string => clean(wordsOfEffect(effect));

const wordsOfEffect = (effect: Effect): string => {
  switch (effect.kind) {
    case 'order':
      return `order ${effect.order.step_id}.${effect.order.attempt} to ${effect.queue}: ${effect.order.capability} ${JSON.stringify(effect.order.input)}`;
    case 'bury':
      return `dead letter of ${effect.step}.${effect.attempt}, ${effect.reason}: ${effect.error}`;
    case 'keep':
      return `keep a large output as ${effect.ref}`;
    case 'ask':
      return `${effect.intervention.kind} ${effect.intervention.id} is ${effect.intervention.status}`;
    case 'cancel':
      return `tell whoever has ${effect.step}.${effect.attempt} to stop: ${effect.reason}`;
    case 'wake':
      return `timer ${effect.n}${effect.step === null ? '' : ` of ${effect.step}`} for ${timeOf(effect.at)} (${effect.why})`;
    case 'unwake':
      return `timer ${effect.n} is not needed any more`;
    case 'route':
      return `look for a queue for ${effect.step}.${effect.attempt}: ${effect.capability}`;
    case 'tell':
      return effect.step === null ? `the task is ${effect.status}` : `${effect.step} is ${effect.status}`;
    default:
      return (effect as Effect).kind;
  }
};
