// Which changes of status are legal, of a step and of a task. Nothing looks here before it changes something: the tables are what tests hold
// every change against, and what the diagrams in docs/state-machine.md are drawn from.
import type { StepStatus, TaskStatus } from '@capstan/contracts';

type Table<S extends string> = Readonly<Record<S, Readonly<Partial<Record<S, string>>>>>;

const stop = 'the task stops';
const again = 'done again: a loop back, a retry, a redrive';

/** From, to, and what brings it about. */
export const stepTransitions: Table<StepStatus> = {
  pending: {
    ready: 'nothing left to wait for, but a hold or no queue yet',
    running: 'nothing left to wait for: ordered',
    awaiting_approval: 'its risk or its plan asks for approval',
    awaiting_input: 'it only asks a person',
    succeeded: 'the list of a family is known',
    failed: 'its condition, input or policy refuses it',
    skipped: 'its condition is false, what it depends on failed, or by hand',
    cancelled: stop,
  },
  ready: {
    pending: again,
    running: 'the hold is gone or a queue found: ordered',
    blocked: 'nobody offers its capability',
    awaiting_approval: 'the hold is gone, and it needs approval',
    awaiting_input: 'the hold is gone, and it only asks a person',
    succeeded: 'the hold is gone, and it had only to be approved',
    failed: 'its input or a policy refuses it',
    skipped: 'by hand',
    cancelled: stop,
  },
  running: {
    pending: again,
    ready: 'to be checked, and no queue for that yet',
    succeeded: 'reported, and checked where that is wanted',
    failed: 'no attempts left',
    retrying: 'an attempt failed, and another one is due later',
    awaiting_input: 'it asked a question, or a person must judge its failure',
    skipped: 'failed, which is tolerated; or by hand',
    cancelled: stop,
  },
  awaiting_approval: {
    pending: again,
    ready: 'approved, but held or without a queue',
    running: 'approved: ordered',
    blocked: 'approved, and nobody offers its capability',
    succeeded: 'approved, and that was all',
    awaiting_input: 'approved, and a person is to answer',
    failed: 'rejected or expired',
    skipped: 'rejected or expired, which is tolerated; or by hand',
    cancelled: stop,
  },
  awaiting_input: {
    pending: again,
    ready: 'answered, but held or without a queue',
    running: 'answered: ordered',
    awaiting_approval: 'to be tried again, with another input than was approved',
    succeeded: 'the answer is what was wanted',
    failed: 'rejected, given up or expired',
    skipped: 'skipped by whoever judged it, or its failure is tolerated; or by hand',
    cancelled: stop,
  },
  retrying: {
    pending: again,
    ready: 'its time has come, but it is held or has no queue',
    running: 'its time has come: ordered',
    awaiting_approval: 'its input is not what was approved',
    awaiting_input: 'its time has come, and it only asks a person',
    failed: 'its input or a policy refuses it',
    skipped: 'that is tolerated; or by hand',
    cancelled: stop,
  },
  blocked: {
    pending: again,
    ready: 'a queue was found, but it is held',
    running: 'a queue was found: ordered',
    awaiting_approval: 'a queue was found, but its input is not what was approved',
    failed: 'a queue was found, but its input or a policy refuses it',
    skipped: 'by hand',
    cancelled: stop,
  },
  succeeded: { pending: again },
  failed: { pending: again, skipped: 'by hand' },
  skipped: { pending: again },
  cancelled: { pending: again },
};

const goesOn = 'its steps go on';
const over = { succeeded: 'all is done', failed: 'it failed', cancelled: 'a person cancelled it' } as const;
const waiting = {
  awaiting_approval: 'every open step waits for approval',
  awaiting_input: 'every open step waits for an answer',
  blocked: 'nobody is there for any open step',
  paused: 'somebody, a checkpoint or a failure pauses it',
} as const;

const { awaiting_approval, awaiting_input, blocked, paused } = waiting;

export const taskTransitions: Table<TaskStatus> = {
  queued: {
    planning: 'room for it',
    running: 'room for it',
    planned: 'room for it',
    verifying: 'room for it',
    ...waiting,
    ...over,
  },
  planning: {
    planned: 'it has a plan, and waits to be started',
    running: 'it has a plan',
    verifying: goesOn,
    ...waiting,
    ...over,
  },
  planned: {
    running: 'started',
    planning: 'a step failed, and it is planned anew',
    verifying: goesOn,
    ...waiting,
    ...over,
  },
  awaiting_approval: {
    running: goesOn,
    planning: goesOn,
    verifying: goesOn,
    planned: 'nothing was begun, and a person starts it',
    awaiting_input,
    blocked,
    paused,
    ...over,
  },
  awaiting_input: {
    running: goesOn,
    planning: goesOn,
    verifying: goesOn,
    planned: 'nothing was begun, and a person starts it',
    awaiting_approval,
    blocked,
    paused,
    ...over,
  },
  running: {
    planning: 'its planning is done again',
    planned: 'nothing was begun, and a person starts each step',
    verifying: 'only checks run',
    ...waiting,
    ...over,
  },
  paused: {
    running: 'resumed',
    planning: goesOn,
    planned: 'its plan came, and it waits to be started',
    verifying: goesOn,
    awaiting_approval,
    awaiting_input,
    blocked,
    ...over,
  },
  blocked: {
    running: goesOn,
    planning: goesOn,
    verifying: goesOn,
    planned: 'nothing was begun, and a person starts it',
    awaiting_approval,
    awaiting_input,
    paused,
    ...over,
  },
  verifying: {
    running: goesOn,
    planning: 'what was checked failed, and it is planned anew',
    planned: 'nothing was begun, and a person starts it',
    ...waiting,
    ...over,
  },
  succeeded: { running: again },
  failed: { running: again },
  cancelled: { running: again },
};

export const isLegal = <S extends string>(table: Table<S>, from: S, to: S): boolean => Object.hasOwn(table[from], to);
