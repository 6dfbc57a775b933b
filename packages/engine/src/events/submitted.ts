// A task begins.
import { type Event, type Plan, type Step, timeMs } from '@capstan/contracts';
import { armTask, type Draft, openDraft } from '../draft.ts';
import { askLeave, firstLeave } from '../leave.ts';
import { emptyPaged, pagedOf } from '../paged.ts';
import { type Addition, shapeOf } from '../plan/shape.ts';
import { recount } from '../recount.ts';
import { newStep, rulesVersion, type TaskState } from '../state.ts';

type Submitted = Extract<Event, { kind: 'submitted' }>;

export const planStepId = '_plan';

/** The state that a submission makes, before anything has been decided. */
export const initialState = (event: Submitted): TaskState => {
  const plan: Plan = event.plan ?? { steps: [] };
  const additions: Addition[] =
    event.plan === null ? [{ kind: 'steps', steps: [planningStep(event)], by: 'capstan' }] : [];
  const shape = shapeOf(plan, additions);
  return {
    rules: event.body.rules ?? rulesVersion,
    taskId: event.taskId,
    request: event.request,
    settings: event.settings,
    routes: event.routes,
    risks: event.body.risks ?? {},
    plan: event.plan,
    planned: false,
    planHash: event.planHash,
    parent: event.body.parent ?? null,
    listeners: event.body.listeners ?? [],
    leave: firstLeave(event),
    additions,
    status: firstLeave(event) === 'asked' ? 'queued' : event.plan === null ? 'planning' : 'running',
    reason: null,
    seq: event.seq,
    at: event.at,
    createdAt: event.at,
    startedAt: null,
    finishedAt: null,
    history: [],
    steps: pagedOf(shape.slots, () => newStep),
    counts: shape.slots === 0 ? {} : { pending: shape.slots },
    open: shape.slots,
    errands: 0,
    verifying: 0,
    hold: event.request.start === false && event.plan !== null ? plannedHold(event) : null,
    above: null,
    steered: 0,
    ending: null,
    revivals: [],
    undone: 0,
    compensated: false,
    asks: {},
    interventions: [],
    loops: {},
    denials: [],
    barred: {},
    resolved: [],
    turns: { waiting: 0, from: 0 },
    replans: 0,
    timers: [],
    lastTimer: 0,
    lastAsk: 0,
    usage: { tokensIn: 0, tokensOut: 0, wallMs: 0 },
    stepsBelow: 0,
    findings: [0, 0, 0],
    result: null,
    shape,
    waits: emptyPaged,
    groups: emptyPaged,
  };
};

export const plannedHold = (event: { readonly taskId: string }): TaskState['hold'] => ({
  why: 'planned',
  by: null,
  text: `somebody to start it: capstan start ${event.taskId}`,
  spec: null,
});

/** Planning is a step like any other: its report brings the steps of the task. */
const planningStep = (event: Submitted): Step => ({
  id: planStepId,
  title: 'Plan',
  capability: 'plan',
  input: { request: event.request as never },
});

export const submitted = (event: Submitted): Draft => {
  const draft = openDraft(initialState(event), event);
  const { task } = draft;
  task.history = [{ status: task.status, at: event.at, by: event.request.requester ?? null }];
  draft.effects.push({ kind: 'tell', step: null, status: task.status });
  const { deadline, budget } = event.request;
  if (deadline !== undefined) armTask(draft, timeMs(deadline), 'deadline');
  if (budget?.wall_ms !== undefined) armTask(draft, event.at + budget.wall_ms, 'budget');
  askLeave(draft);
  recount(draft);
  return draft;
};
