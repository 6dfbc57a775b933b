// What is published as JSON Schema: every body that crosses the border to a program that is not ours, under its file's name.
import type { z } from 'zod';
import { agentRecord, cancel, logLine, progress } from './agent.ts';
import {
  agentList,
  apiError,
  circuitAct,
  circuitList,
  dlqAct,
  dlqAsk,
  dlqList,
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
import { deadLetter } from './dead-letter.ts';
import { decision, intervention } from './intervention.ts';
import { namesOf } from './names.ts';
import { order } from './order.ts';
import { plan } from './plan.ts';
import { report } from './report.ts';
import { notifyInput, notifyOutput, planInput, planOutput, taskInput, verifyInput, verifyOutput } from './roles.ts';
import { schedule } from './schedule.ts';
import { submission, submitted } from './submission.ts';
import { taskRecord } from './task.ts';
import { toolRecord } from './tool.ts';

export interface Published {
  readonly schema: z.ZodType;
  /** One sentence for whoever opens the file. */
  readonly says: string;
  /** A rule between fields that zod does not hold; the doors check it when they validate a whole task. */
  readonly also?: Readonly<Record<string, unknown>>;
}

const names = namesOf();

export const published: Readonly<Record<string, Published>> = {
  submission: {
    schema: submission,
    says: `A task as a client submits it, at ${names.submit()} or ${names.api('task', 'submit')}.`,
    also: { anyOf: ['plan', 'plan_ref', 'template', 'title'].map((name) => ({ required: [name] })) },
  },
  submitted: { schema: submitted, says: `The answer of ${names.api('task', 'submit')} once the task is stored.` },
  plan: { schema: plan, says: 'A plan: steps with what each depends on, in phases.' },
  order: { schema: order, says: 'One attempt of one step, as an agent pulls it from its queue.' },
  report: { schema: report, says: 'What came of one attempt, published by the agent to report_to of its order.' },
  agent: { schema: agentRecord, says: `How an agent announces itself in the bucket ${names.buckets.agents}.` },
  tool: {
    schema: toolRecord,
    says: `How an agent describes a capability of its own, in the bucket ${names.buckets.tools}.`,
  },
  progress: {
    schema: progress,
    says: `How far an attempt is, told by its agent at ${names.progress('<task_id>', '<step_id>')}.`,
  },
  cancel: { schema: cancel, says: `Asks an agent to stop an attempt, at ${names.cancel('<task_id>', '<step_id>')}.` },
  'log-line': { schema: logLine, says: `A piece of output of an attempt, at ${names.log('<task_id>', '<step_id>')}.` },
  task: {
    schema: taskRecord,
    says: `A task as it stands, in the bucket ${names.buckets.tasks} and by ${names.api('task', 'get')}.`,
  },
  intervention: {
    schema: intervention,
    says: `What waits for a person, and how it ended, in the bucket ${names.buckets.inbox}.`,
  },
  decision: { schema: decision, says: 'What a person decided about an intervention.' },
  'dead-letter': { schema: deadLetter, says: `A dead letter as ${names.api('dlq', 'list')} and .get show it.` },
  error: { schema: apiError, says: `The error that any request under ${names.apis} may get.` },

  'task-ask': { schema: taskAsk, says: `The request of ${names.api('task', 'get')}, .report and .events.` },
  'task-list': { schema: taskList, says: `The request of ${names.api('task', 'list')}.` },
  'task-command': {
    schema: taskCommand,
    says: `The request of ${names.api('task', 'cancel')}, .pause, .resume, .execute, .retry and .skip.`,
  },
  'inbox-list': { schema: inboxList, says: `The request of ${names.api('inbox', 'list')}.` },
  'inbox-ask': { schema: inboxAsk, says: `The request of ${names.api('inbox', 'get')}.` },
  'inbox-decide': {
    schema: inboxDecide,
    says: `The request of ${names.api('inbox', 'approve')}, .reject and .answer.`,
  },
  'agent-list': { schema: agentList, says: `The request of ${names.api('agent', 'list')}.` },
  schedule: {
    schema: schedule,
    says: `A schedule, as ${names.api('schedule', 'put')} takes it.`,
  },
  'schedule-list': { schema: scheduleList, says: `The request of ${names.api('schedule', 'list')}.` },
  'schedule-ask': { schema: scheduleAsk, says: `The request of ${names.api('schedule', 'delete')}.` },
  'finding-list': { schema: findingList, says: `The request of ${names.api('finding', 'list')}.` },
  'finding-resolve': { schema: findingResolve, says: `The request of ${names.api('finding', 'resolve')}.` },
  'template-ask': { schema: templateAsk, says: `The request of ${names.api('template', 'get')}.` },
  'template-render': { schema: templateRender, says: `The request of ${names.api('template', 'render')}.` },
  'circuit-list': { schema: circuitList, says: `The request of ${names.api('circuit', 'list')}.` },
  'circuit-act': { schema: circuitAct, says: `The request of ${names.api('circuit', 'reset')}.` },
  'dlq-list': { schema: dlqList, says: `The request of ${names.api('dlq', 'list')}.` },
  'dlq-ask': { schema: dlqAsk, says: `The request of ${names.api('dlq', 'get')}.` },
  'dlq-act': { schema: dlqAct, says: `The request of ${names.api('dlq', 'redrive')} and .drop.` },

  'plan-input': { schema: planInput, says: 'The input of capability plan.' },
  'plan-output': { schema: planOutput, says: 'The output of capability plan.' },
  'verify-input': { schema: verifyInput, says: 'The input of capability verify.' },
  'verify-output': { schema: verifyOutput, says: 'The output of capability verify.' },
  'task-input': { schema: taskInput, says: 'The input of capability task: a task that does the work of a step.' },
  'notify-input': { schema: notifyInput, says: 'The input of capability notify.' },
  'notify-output': { schema: notifyOutput, says: 'The output of capability notify.' },
};
