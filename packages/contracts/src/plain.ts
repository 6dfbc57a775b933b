// The shapes that nearly all traffic has, told at a glance. What passes here passes the schema and means the same; whatever does not is
// the schema's to judge, and to explain. Only for values fresh from `JSON.parse`: what is in them is JSON already.
import type { Order } from './order.ts';
import type { Report } from './report.ts';

type Fields = Readonly<Record<string, unknown>>;

/** An order with nothing but what every order has; null is no verdict. */
export const plainOrder = (value: Fields): Order | null => {
  for (const key in value) if (!orderKeys.has(key)) return null;
  const { v, attempt, input, context, timeout_ms: timeoutMs, deadline } = value;
  const isPlain =
    (v === 1 || v === undefined) &&
    isText(value['task_id']) &&
    isText(value['step_id']) &&
    isCount(attempt) &&
    attempt > 0 &&
    isText(value['capability']) &&
    isText(value['lease']) &&
    isText(value['report_to']) &&
    isText(value['tenant']) &&
    isMs(value['heartbeat_ms']) &&
    (timeoutMs === undefined || isMs(timeoutMs)) &&
    isText(deadline) &&
    isTime(deadline) &&
    isFields(input) &&
    isFields(context) &&
    isText(context['title']) &&
    isFields(context['outputs']) &&
    isEmptyList(context['artifacts']);
  return isPlain ? (value as unknown as Order) : null;
};

/** A report of success that brings no more than an output; null is no verdict. */
export const plainReport = (value: Fields): Report | null => {
  for (const key in value) if (!reportKeys.has(key)) return null;
  const { v, attempt, agent, usage, artifacts } = value;
  const isPlain =
    value['outcome'] === 'succeeded' &&
    (v === 1 || v === undefined) &&
    isText(value['task_id']) &&
    isText(value['step_id']) &&
    isCount(attempt) &&
    attempt > 0 &&
    isText(value['lease']) &&
    isText(agent) &&
    agent.length <= 160 &&
    (artifacts === undefined || isEmptyList(artifacts)) &&
    (usage === undefined || isTimeTaken(usage));
  return isPlain ? (value as unknown as Report) : null;
};

const orderKeys = new Set([
  'v',
  'task_id',
  'step_id',
  'attempt',
  'capability',
  'input',
  'lease',
  'report_to',
  'deadline',
  'timeout_ms',
  'heartbeat_ms',
  'context',
  'tenant',
]);

const reportKeys = new Set([
  'v',
  'task_id',
  'step_id',
  'attempt',
  'lease',
  'agent',
  'outcome',
  'output',
  'usage',
  'artifacts',
]);

const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isMs = (value: unknown): boolean => isCount(value) && value <= 31_536_000_000;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

const isTimeTaken = (usage: unknown): boolean => {
  if (!isFields(usage)) return false;
  for (const key in usage) if (key !== 'wall_ms') return false;
  return usage['wall_ms'] === undefined || isMs(usage['wall_ms']);
};

/** As Capstan writes times; the days that not every month has are left to the schema. */
const isTime = (text: string): boolean => plainTime.test(text);
const plainTime = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;
