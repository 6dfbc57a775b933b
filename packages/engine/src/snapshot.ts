// A state as it is stored and shown, and back. The public names of a task are the record itself; what only the engine needs is beside them
// under `engine`. Plans and submissions are not repeated: they are in the log, under `submitted`.
import {
  type Event,
  type Json,
  limits,
  type StepRecord,
  type StepStatus,
  stepStatuses,
  type TaskRecord,
  timeMs,
} from '@capstan/contracts';
import { initialState } from './events/submitted.ts';
import { iso } from './hash.ts';
import { type Paged, pagedOf, pageSize, readPaged } from './paged.ts';
import { dependenciesOf, idOf, type Shape, shapeOf, slotOf, specOf } from './plan/shape.ts';
import { countGroups, countWaits } from './recount.ts';
import { type Attempt, newStep, type OpenAsk, type StepState, type TaskState } from './state.ts';

const when = (at: number | null): string | null => (at === null ? null : iso(at));
const at = (text: string | null | undefined): number | null =>
  text === null || text === undefined ? null : timeMs(text);

/** What of a step only the engine needs; left out where it says nothing. */
type Private = Partial<
  Pick<
    StepState,
    | 'stage'
    | 'tries'
    | 'wanted'
    | 'routed'
    | 'unrouted'
    | 'timer'
    | 'asked'
    | 'approved'
    | 'approvals'
    | 'started'
    | 'answer'
    | 'left'
    | 'doomed'
    | 'removed'
    | 'heldBy'
    | 'unjudged'
    | 'late'
    | 'granted'
    | 'artifacts'
  >
>;
const privates = [
  'stage',
  'tries',
  'wanted',
  'routed',
  'unrouted',
  'timer',
  'asked',
  'approved',
  'approvals',
  'started',
  'answer',
  'left',
  'doomed',
  'removed',
  'heldBy',
  'unjudged',
  'late',
  'granted',
  'artifacts',
] as const;

const isDefault = (key: (typeof privates)[number], value: unknown): boolean =>
  value === newStep[key] || (key === 'artifacts' && (value as unknown[]).length === 0);

const attemptRecord = (attempt: Attempt) => ({
  n: attempt.n,
  agent: attempt.agent,
  started_at: when(attempt.startedAt),
  finished_at: when(attempt.finishedAt),
  outcome: attempt.outcome,
  error: attempt.error,
});

export const stepRecordOf = (shape: Shape, slot: number, step: StepState): StepRecord & { engine?: Private } => {
  const record: StepRecord & { engine?: Private } = {
    status: step.status,
    depends_on: dependenciesOf(shape, specOf(shape, slot)),
    attempt: step.attempt,
    agent: step.agent,
    queue: step.queue,
    started_at: when(step.startedAt),
    finished_at: when(step.finishedAt),
    output: step.output,
    error: step.error,
    attempts: step.attempts.map(attemptRecord),
    findings: { major: step.findings[0], medium: step.findings[1], minor: step.findings[2] },
    waiting_for: step.waitingFor ?? (step.status === 'pending' ? dependenciesText(shape, slot) : null),
  };
  if (step.asked !== null) record.intervention = step.asked.id;
  let engine: Record<string, unknown> | null = null;
  for (let at = 0; at < privates.length; at += 1) {
    const key = privates[at] as (typeof privates)[number];
    if (!isDefault(key, step[key])) (engine ??= {})[key] = step[key];
  }
  if (engine !== null) record.engine = engine as Private;
  return record;
};

const namesShown = 5;

/** Said of a step that has nothing else to wait for; it follows from the plan alone, so a stored page is not made wrong by another. */
const dependenciesText = (shape: Shape, slot: number): string => {
  const names = dependenciesOf(shape, specOf(shape, slot));
  const more = names.length > namesShown ? ` and ${names.length - namesShown} more` : '';
  return `${names.slice(0, namesShown).join(', ')}${more} to end`;
};

const stepOf = (record: StepRecord & { engine?: Private }): StepState => ({
  ...newStep,
  status: record.status,
  attempt: record.attempt,
  agent: record.agent,
  queue: record.queue,
  startedAt: at(record.started_at),
  finishedAt: at(record.finished_at),
  output: record.output,
  error: record.error,
  attempts: record.attempts.map((attempt) => ({
    n: attempt.n,
    agent: attempt.agent,
    startedAt: at(attempt.started_at),
    finishedAt: at(attempt.finished_at),
    outcome: attempt.outcome,
    error: attempt.error,
  })),
  findings: [record.findings.major, record.findings.medium, record.findings.minor],
  waitingFor: record.status === 'pending' ? null : record.waiting_for,
  ...record.engine,
});

export type StepRecords = Readonly<Record<string, StepRecord>>;

const addPage = (steps: Record<string, StepRecord>, state: TaskState, page: number): void => {
  const from = page * pageSize;
  const states = state.steps.pages[page] ?? [];
  for (let offset = 0; offset < states.length; offset += 1)
    steps[idOf(state.shape, from + offset)] = stepRecordOf(state.shape, from + offset, states[offset] as StepState);
};

/** The steps of one page, by id. */
export const pageOf = (state: TaskState, page: number): StepRecords => {
  const steps: Record<string, StepRecord> = {};
  addPage(steps, state, page);
  return steps;
};

export const isPagedOut = (state: TaskState): boolean => state.steps.length > limits.stepsPerPage;

/** The record of a task. With `whole`, all steps are in it whatever their number; as stored, many steps are on pages of their own. */
export const recordOf = (
  state: TaskState,
  options: { whole: boolean; pageKey?: (page: number) => string },
): TaskRecord & { engine: EngineRecord } => {
  const inside = options.whole || !isPagedOut(state);
  const steps: Record<string, StepRecord> = {};
  if (inside) for (let page = 0; page < state.steps.pages.length; page += 1) addPage(steps, state, page);
  return {
    v: 1,
    task_id: state.taskId,
    title: state.request.title ?? state.taskId,
    tenant: state.request.tenant ?? 'default',
    priority: state.request.priority ?? 'normal',
    requester: state.request.requester ?? null,
    status: state.status,
    reason: state.reason,
    phase: phaseOf(state),
    mode: state.request.mode ?? 'auto',
    plan_hash: state.planHash,
    seq: state.seq,
    created_at: iso(state.createdAt),
    started_at: when(state.startedAt),
    finished_at: when(state.finishedAt),
    updated_at: iso(state.at),
    counts: Object.fromEntries(
      stepStatuses.flatMap((status) => (state.counts[status] === undefined ? [] : [[status, state.counts[status]]])),
    ),
    steps,
    ...(inside ? {} : { steps_in: state.steps.pages.map((_, page) => options.pageKey?.(page) ?? String(page)) }),
    status_history: state.history.map((entry) => ({ status: entry.status, at: iso(entry.at), by: entry.by })),
    artifacts: inside ? artifactsOf(state, options.whole) : [],
    interventions: [...state.interventions],
    result: state.result,
    ...(state.denials.length === 0
      ? {}
      : { denials: state.denials.map((denial) => ({ ...denial, at: iso(denial.at) })) }),
    ...(state.parent === null ? {} : { parent: parentRecord(state.parent) }),
    usage: { tokens_in: state.usage.tokensIn, tokens_out: state.usage.tokensOut, wall_ms: state.usage.wallMs },
    engine: engineOf(state),
  };
};

const parentRecord = ({ task_id, step_id, attempt }: NonNullable<TaskState['parent']>) => ({
  task_id,
  step_id,
  attempt,
});

/** None where they are many and their steps have them beside it. */
const artifactsOf = (state: TaskState, whole: boolean): TaskRecord['artifacts'] => {
  const found: TaskRecord['artifacts'] = [];
  for (let slot = 0; slot < state.steps.length; slot += 1) {
    const step = readPaged(state.steps, slot);
    for (const artifact of step.artifacts) found.push({ ...artifact, step: idOf(state.shape, slot) });
  }
  const isLong = !whole && found.length > 0 && Buffer.byteLength(JSON.stringify(found)) > limits.artifactsShownBytesMax;
  return isLong ? [] : found;
};

/** The first phase that has not ended. */
const phaseOf = (state: TaskState): string | null =>
  state.shape.groups.find((group, at) => group.kind === 'phase' && readPaged(state.groups, at).left > 0)?.name ?? null;

type EngineRecord = Omit<
  TaskState,
  | 'taskId'
  | 'request'
  | 'settings'
  | 'routes'
  | 'plan'
  | 'planHash'
  | 'parent'
  | 'listeners'
  | 'leave'
  | 'above'
  | 'steered'
  | 'stepsBelow'
  | 'resolved'
  | 'risks'
  | 'denials'
  | 'status'
  | 'reason'
  | 'seq'
  | 'createdAt'
  | 'startedAt'
  | 'finishedAt'
  | 'history'
  | 'steps'
  | 'counts'
  | 'interventions'
  | 'usage'
  | 'result'
  | 'shape'
  | 'waits'
  | 'groups'
  | 'asks'
> & {
  readonly above?: TaskState['above'];
  readonly steered?: number;
  readonly stepsBelow?: number;
  readonly plan?: Json;
  readonly leave?: TaskState['leave'];
  readonly risks?: TaskState['risks'];
  readonly resolved?: TaskState['resolved'];
};

const engineOf = (state: TaskState): EngineRecord => ({
  rules: state.rules,
  at: state.at,
  ...(state.planned ? { plan: state.plan as never } : {}),
  planned: state.planned,
  additions: state.additions,
  open: state.open,
  errands: state.errands,
  verifying: state.verifying,
  hold: state.hold,
  ...(state.above === null ? {} : { above: state.above }),
  ...(state.steered === 0 ? {} : { steered: state.steered }),
  ending: state.ending,
  revivals: state.revivals,
  undone: state.undone,
  compensated: state.compensated,
  loops: state.loops,
  barred: state.barred,
  turns: state.turns,
  replans: state.replans,
  timers: state.timers,
  ...(Object.keys(state.risks).length === 0 ? {} : { risks: state.risks }),
  ...(state.leave === 'none' ? {} : { leave: state.leave }),
  ...(state.resolved.length === 0 ? {} : { resolved: state.resolved }),
  ...(state.stepsBelow === 0 ? {} : { stepsBelow: state.stepsBelow }),
  lastTimer: state.lastTimer,
  lastAsk: state.lastAsk,
  findings: state.findings,
});

/** A state from its record, its pages where it has some, and the event that began it. */
export const restore = (
  record: TaskRecord,
  pages: readonly StepRecords[],
  submitted: Extract<Event, { kind: 'submitted' }>,
): TaskState => {
  const base = initialState(submitted);
  const { plan: planned, ...engine } = record['engine'] as EngineRecord;
  const plan = engine.planned ? (planned as unknown as TaskState['plan']) : base.plan;
  const shape = shapeOf(plan ?? { steps: [] }, engine.additions);
  const steps = stepsFrom(shape, record.steps_in === undefined ? [record.steps] : pages);
  const asks: Record<string, OpenAsk> = {};
  for (const page of steps.pages) for (const { asked } of page) if (asked !== null) asks[asked.id] = asked;
  const groups = countGroups(shape, (slot) => readPaged(steps, slot));
  return {
    ...base,
    ...engine,
    plan,
    planHash: record.plan_hash,
    status: record.status,
    reason: record.reason,
    seq: record.seq,
    createdAt: timeMs(record.created_at),
    startedAt: at(record.started_at),
    finishedAt: at(record.finished_at),
    history: record.status_history.map((entry) => ({ status: entry.status, at: timeMs(entry.at), by: entry.by })),
    steps,
    counts: record.counts as Partial<Record<StepStatus, number>>,
    interventions: record.interventions,
    denials: (record.denials ?? []).map((denial) => ({ ...denial, at: timeMs(denial.at) })) as TaskState['denials'],
    usage: { tokensIn: record.usage.tokens_in, tokensOut: record.usage.tokens_out, wallMs: record.usage.wall_ms },
    result: record.result,
    asks,
    shape,
    groups,
    waits: countWaits(shape, (slot) => readPaged(steps, slot), groups),
  };
};

const stepsFrom = (shape: Shape, pages: readonly StepRecords[]): Paged<StepState> => {
  const found = new Array<StepState | undefined>(shape.slots);
  for (const page of pages) for (const [id, record] of Object.entries(page)) found[slotOf(shape, id)] = stepOf(record);
  return pagedOf(shape.slots, (slot) => {
    const step = found[slot];
    if (step === undefined) throw new Error(`the snapshot has no step "${idOf(shape, slot)}"`);
    return step;
  });
};
