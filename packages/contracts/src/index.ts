// What is said, in whole: schemas, names and numbers. No behaviour.
export { actorId, actorKindOf, actorKinds } from './actor.ts';
export type { ActorKindName } from './actor.ts';
export { agentRecord, cancel, health, logLine, progress } from './agent.ts';
export type { AgentRecord, Cancel, LogLine, Progress } from './agent.ts';
export {
  agentList,
  apiError,
  circuitAct,
  circuitList,
  dlqAct,
  dlqAsk,
  dlqList,
  errorCodes,
  findingList,
  findingResolve,
  inboxAsk,
  inboxDecide,
  inboxList,
  scheduleAsk,
  scheduleList,
  taskAsk,
  taskCommand,
  taskList,
  templateAsk,
  templateRender,
} from './api.ts';
export type { ApiError, ErrorCode, Field } from './api.ts';
export { deadLetter, dlqHeaders, dlqReason, dlqReasons } from './dead-letter.ts';
export type { DeadLetter, DlqReason } from './dead-letter.ts';
export type { Effect, OrderDraft, ReportDraft, WakeReason } from './effect.ts';
export {
  command,
  commandBody,
  decidedBody,
  parent,
  redrivenBody,
  routedBody,
  submittedBody,
  unroutedBody,
  wokeBody,
} from './event.ts';
export type { Command, CommandBody, DecidedBody, Event, EventKind, Parent, SubmittedBody } from './event.ts';
export { finding, thresholds } from './finding.ts';
export type { Finding, Thresholds } from './finding.ts';
export { capability, id, idPattern, isInternal, time, timeMs } from './ids.ts';
export { decision, intervention } from './intervention.ts';
export type { Decision, Intervention } from './intervention.ts';
export { json, jsonObject } from './json.ts';
export type { Json } from './json.ts';
export { limits } from './limits.ts';
export { namesOf, namespacePattern, parseEventSubject, parseOrderSubject } from './names.ts';
export type { Names } from './names.ts';
export { answer, failure, order } from './order.ts';
export type { Failure, Order } from './order.ts';
export { plainOrder, plainReport } from './plain.ts';
export { circuit, phase, plan, risk, step } from './plan.ts';
export type { Circuit, Phase, Plan, Retry, Risk, Step } from './plan.ts';
export { quarantine, quarantineRelease } from './quarantine.ts';
export type { Quarantine } from './quarantine.ts';
export { artifact, outcome, report, usage } from './report.ts';
export type { Artifact, Report } from './report.ts';
export {
  notifyInput,
  notifyOutput,
  planInput,
  planOutput,
  roles,
  taskInput,
  verifyInput,
  verifyOutput,
} from './roles.ts';
export type { Role, TaskInput } from './roles.ts';
export { catchUp, overlap, schedule } from './schedule.ts';
export type { Schedule } from './schedule.ts';
export { defaultSettings, ownPolicy, quota, settings } from './settings.ts';
export type { OwnPolicy, PolicyMode, Quota, Settings } from './settings.ts';
export { submission, submitted } from './submission.ts';
export type { Submission, Submitted } from './submission.ts';
export {
  attemptRecord,
  isEnded,
  stepRecord,
  stepStatus,
  stepStatuses,
  taskRecord,
  taskStatus,
  taskStatuses,
} from './task.ts';
export type { StepRecord, StepStatus, TaskRecord, TaskStatus } from './task.ts';
export { toolNeeds, toolRecord } from './tool.ts';
export type { ToolNeeds, ToolRecord } from './tool.ts';
