// Rules of what tenants and schedules may decide, in the words of the documentation and without the engine's help.
import type { ActorEffect, ActorEvent, ScheduleState, TenantState } from '@capstan/engine';

export interface ActorDecided {
  readonly id: string;
  readonly kind: string;
  readonly event: ActorEvent;
  readonly before: unknown;
  readonly state: unknown;
  readonly effects: readonly ActorEffect[];
  /** What it had submitted before. */
  readonly submitted: readonly string[];
  /** Whether the log has a task that has ended. */
  readonly isOver: (task: string) => boolean;
}

export const judgeActor = (decided: ActorDecided, wrong: (text: string) => void): void => {
  if (decided.kind === 'tenant') judgeTenant(decided, wrong);
  if (decided.kind === 'schedule') judgeSchedule(decided, wrong);
};

const judgeTenant = ({ id, state, effects }: ActorDecided, wrong: (text: string) => void): void => {
  const { most, open } = state as TenantState;
  const held = Object.keys(open).length;
  // Parts of what is open come without asking; then nobody else gets leave.
  if (most !== null && held > most && effects.length > 0)
    wrong(`${id} gave leave to ${held} tasks, and may have ${most} open`);
};

const judgeSchedule = (decided: ActorDecided, wrong: (text: string) => void): void => {
  const { id, effects, submitted, isOver, event } = decided;
  const { spec, recent } = decided.state as ScheduleState;
  const { spec: last } = (decided.before ?? decided.state) as ScheduleState;
  const at = Date.parse(String(last?.['at']));
  if (event.kind === 'deleted' && event.at > at + patienceMs && recent.length === 0)
    wrong(`${id} is deleted, and was to be due ${event.at - at} ms ago`);
  const overlap = spec?.['overlap'] ?? 'skip';
  const stopped = new Set(effects.flatMap((effect) => (effect.kind === 'cancel' ? [effect.task] : [])));
  const before = [...submitted];
  for (const effect of effects) {
    if (effect.kind !== 'submit') continue;
    const task = String(effect.request['task_id']);
    if (before.includes(task)) wrong(`${id} submits ${task} a second time`);
    const open = before.filter((other) => !isOver(other) && !stopped.has(other));
    if (open.length > 0 && (overlap === 'skip' || overlap === 'queue'))
      wrong(`${id} submits ${task}, and ${open[0]} has not ended (overlap: ${overlap})`);
    before.push(task);
  }
};

/** Somebody is there who rings by then: see schedules.ts, where people wait for it. */
export const patienceMs = 70_000;
