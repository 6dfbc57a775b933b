// Draws a task as a tree of its steps: a pure function from a record to lines that fit a terminal.
import type { StepRecord, StepStatus, TaskRecord } from '@capstan/contracts';
import type { Colour, Style } from '../style.ts';
import { clean, counted, cut, padded, spanOf, widthOf } from '../text.ts';
import { type Fitted, fit } from './fit.ts';
import { countsOf, isJoin, type Node, treeOf } from './graph.ts';

export interface View {
  readonly columns: number;
  /** How many lines there is room for. */
  readonly lines: number;
  /** The time, for how long what runs has been running. */
  readonly now: number;
  readonly style: Style;
  /** Counts redraws: turns the marks of what runs. Absent where nothing moves. */
  readonly turn?: number;
}

export const renderTree = (task: TaskRecord, view: View): string[] => {
  const rows: Row[] = [];
  collect(fit(treeOf(task.steps), Math.max(1, view.lines)), '', rows, view);
  const left = Math.min(
    Math.floor(view.columns / 2),
    Math.max(0, ...rows.map(({ branch, name }) => widthOf(branch) + 2 + widthOf(name))),
  );
  return rows.map(({ branch, mark, name, detail, colour }) => {
    const shown = cut(name, left - widthOf(branch) - 2);
    const gap = ' '.repeat(Math.max(0, left - widthOf(branch) - 2 - widthOf(shown)));
    const rest = cut(detail, view.columns - left - 3);
    const paint = view.style[colour];
    return `${view.style.dim(branch)}${paint(mark)} ${shown}${rest ? `${gap}  ${dimmed(rest, colour, view.style)}` : ''}`;
  });
};

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
const turning = ['◐', '◓', '◑', '◒'];

export const words = (status: string): string => status.replaceAll('_', ' ');

interface Row {
  readonly branch: string;
  readonly mark: string;
  readonly name: string;
  readonly detail: string;
  readonly colour: Colour;
}

const collect = (fitted: Fitted, indent: string, rows: Row[], view: View): void => {
  const { children, left } = fitted;
  children.forEach((child, at) => {
    const last = at === children.length - 1 && left.length === 0;
    rows.push({ branch: `${indent}${last ? '└─ ' : '├─ '}`, ...line(child.node, view) });
    collect(child, `${indent}${last ? '   ' : '│  '}`, rows, view);
  });
  if (left.length > 0)
    rows.push({
      branch: `${indent}└─ `,
      mark: '…',
      name: '',
      detail: countsText(countsOf(below(left))),
      colour: 'dim',
    });
};

const below = (nodes: readonly Node[]): Node[] => nodes.flatMap((node) => [node, ...below(node.children)]);

const line = (node: Node, view: View): Omit<Row, 'branch'> => {
  const after = isJoin(node)
    ? `after ${node.after.slice(0, 4).map(clean).join(', ')}${node.after.length > 4 ? ', …' : ''}`
    : '';
  const [step, ...others] = node.steps;
  if (!step) return { mark: '·', name: clean(node.name), detail: after, colour: 'dim' };
  if (others.length > 0) {
    const counts = countsOf([node]);
    const status = mostTelling(counts);
    const [mark, colour] = marked(status, view);
    return { mark, colour, name: `${clean(node.name)}-*`, detail: joined(countsText(counts), after) };
  }
  const [mark, colour] = marked(step.status, view);
  return { mark, colour, name: nameOf(node.name, step), detail: joined(stepDetail(step, view.now), after) };
};

const marked = (status: StepStatus, view: View): readonly [string, Colour] =>
  status === 'running' && view.turn !== undefined
    ? [turning[view.turn % turning.length] ?? '●', 'cyan']
    : marks[status];

const nameOf = (id: string, step: StepRecord): string => {
  const title = 'title' in step && typeof step['title'] === 'string' ? clean(step['title']) : '';
  return title && title !== id ? `${clean(id)}  ${title}` : clean(id);
};

/** Of a family: what someone who watches would want to know first. */
const mostTelling = (counts: ReadonlyMap<StepStatus, number>): StepStatus =>
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
      return joined(took, attempt);
    case 'running':
      return joined(took, attempt, clean(step.agent ?? ''));
    case 'failed':
      return joined(took, attempt, step.error ? `${clean(step.error.code)}: ${clean(step.error.message)}` : 'failed');
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

const joined = (...parts: string[]): string => parts.filter((part) => part !== '').join(' · ');

const dimmed = (text: string, colour: Colour, style: Style): string =>
  colour === 'red' || colour === 'yellow' ? style[colour](text) : style.dim(text);

/** `Ship the export  feature-1087   running   4 of 9 steps   2.1 s`. */
export const headline = (task: TaskRecord, view: View): string => {
  const { style } = view;
  const statuses = Object.values(task.steps).map(({ status }) => status);
  const done = statuses.filter((status) => marks[status][1] === 'green' || status === 'skipped').length;
  const took = task.started_at
    ? spanOf((task.finished_at ? Date.parse(task.finished_at) : view.now) - Date.parse(task.started_at))
    : '';
  const facts = [
    words(task.status),
    statuses.length > 0 ? `${done} of ${counted(statuses.length, 'step')}` : '',
    took,
  ].filter((fact) => fact !== '');
  const tail = `${clean(task.task_id)} · ${facts.join(' · ')}`;
  const title = cut(clean(task.title), Math.max(10, view.columns - widthOf(tail) - 3));
  return `${style.bold(title)}  ${style[taskColour(task.status)](cut(tail, view.columns - widthOf(title) - 2))}`;
};

export const taskColour = (status: string): Colour => {
  if (status === 'succeeded') return 'green';
  if (status === 'failed' || status === 'cancelled') return 'red';
  return status === 'running' || status === 'planning' || status === 'verifying' ? 'cyan' : 'yellow';
};

/** Columns of cells, as wide as they must be; the last one is cut at the edge. */
export const table = (rows: readonly (readonly string[])[], columns: number): string[] => {
  const widths = (rows[0] ?? []).map((_, at) => Math.min(48, Math.max(...rows.map((row) => widthOf(row[at] ?? '')))));
  return rows.map((row) =>
    cut(
      row
        .map((cell, at) => (at === row.length - 1 ? cell : padded(cut(cell, widths[at] ?? 0), widths[at] ?? 0)))
        .join('  ')
        .trimEnd(),
      columns,
    ),
  );
};
