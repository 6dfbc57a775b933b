// Everything that Capstan decides, and nothing that it does.
export { decide } from './decide.ts';
export type { Decision } from './decide.ts';
export { eventOf } from './event-of.ts';
export type { SaidEvent } from './event-of.ts';
export { decisionIssue } from './events/decided.ts';
export { commandIssue } from './events/commanded.ts';
export { checkPlan } from './plan/check.ts';
export type { PlanCheck } from './plan/check.ts';
export { idOf, slotOf } from './plan/shape.ts';
export { policies } from './policies/index.ts';
export { isPagedOut, pageOf, recordOf, restore, stepRecordOf } from './snapshot.ts';
export type { StepRecords } from './snapshot.ts';
export { nextDue, standing } from './standing.ts';
export { rulesVersion, taskEnded } from './state.ts';
export type { StepState, TaskState } from './state.ts';
