// How a status looks and reads: its mark, its colour, its words.
import type { StepRecord, StepStatus } from '@capstan/contracts';
import type { Colour } from '../style.ts';
import { clean, counted, spanOf } from '../text.ts';

/** `7 steps: 4 succeeded, 1 running, 2 pending`. */
export const countsText = (counts: ReadonlyMap<StepStatus, number>): string => {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const parts = statusOrder
    .filter((status) => counts.has(status))
    .map((status) => `${counts.get(status)} ${words(status)}`);
  return `${counted(total, 'step')}: ${parts.join(', ')}`;
};

export const marks: Readonly<Record<StepStatus, readonly [mark: string, colour: Colour]>> = {
  pending: ['·', 'dim'],
  ready: ['○', 'dim'],
  running: ['●', 'cyan'],
  awaiting_approval: ['?', 'yellow'],
  awaiting_input: ['?', 'yellow'],
  retrying: ['↻', 'yellow'],
  blocked: ['■', 'yellow'],
  succeeded: ['✓', 'green'],
  failed: ['✗', 'red'],
  skipped: ['–', 'dim'],
  cancelled: ['×', 'dim'],
};
/** As people count: what is done, what is on, what is to come. */
const statusOrder: readonly StepStatus[] = [
  'succeeded',
  'running',
  'retrying',
  'awaiting_approval',
  'awaiting_input',
  'blocked',
  'failed',
  'skipped',
  'cancelled',
  'ready',
  'pending',
];
export const words = (status: string): string => status.replaceAll('_', ' ');

/** Of a family: what someone who watches would want to know first. */
export const mostTelling = (counts: ReadonlyMap<StepStatus, number>): StepStatus =>
  (
    [
      'failed',
      'awaiting_approval',
      'awaiting_input',
      'running',
      'retrying',
      'blocked',
      'ready',
      'pending',
      'cancelled',
      'skipped',
    ] as const
  ).find((status) => counts.has(status)) ?? 'succeeded';

/** What is worth saying beside a step's name. */
export const stepDetail = (step: StepRecord, now: number): string => {
  const took = step.started_at
    ? spanOf((step.finished_at ? Date.parse(step.finished_at) : now) - Date.parse(step.started_at))
    : '';
  const attempt = step.attempt > 1 ? `attempt ${step.attempt}` : '';
  switch (step.status) {
    case 'succeeded':
      return joined(took, attempt, foundText(step));
    case 'running':
      return joined(took, attempt, clean(step.agent ?? ''));
    case 'failed':
      return joined(
        took,
        attempt,
        step.error ? `${clean(step.error.code)}: ${clean(step.error.message)}` : 'failed',
        foundText(step),
      );
    case 'retrying':
      return clean(step.waiting_for ?? `attempt ${step.attempt} failed: ${step.error?.code ?? 'unknown'}`);
    case 'pending':
      return '';
    case 'skipped':
    case 'cancelled':
      return step.status;
    case 'ready':
    case 'blocked':
    case 'awaiting_approval':
    case 'awaiting_input':
      return clean(step.waiting_for ?? words(step.status));
    default:
      return step.status satisfies never;
  }
};

/** What its verification found: `capstan findings` says more. */
const foundText = ({ findings }: StepRecord): string => {
  const some = (['major', 'medium', 'minor'] as const).flatMap((severity) => {
    const count = findings[severity];
    return count > 0 ? [`${count} ${severity}`] : [];
  });
  return some.length === 0 ? '' : `found ${some.join(', ')}`;
};

export const joined = (...parts: string[]): string => parts.filter((part) => part !== '').join(' · ');
