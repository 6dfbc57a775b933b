// A task in one line.
import type { TaskRecord } from '@capstan/contracts';
import type { Colour } from './style.ts';
import { clean, counted, cut, spanOf, widthOf } from './text.ts';
import type { View } from './tree/draw.ts';
import { words } from './tree/status.ts';

/** `Ship the export  feature-1087   running   4 of 9 steps   2.1 s`. */
export const headline = (task: TaskRecord, view: View): string => {
  const { style } = view;
  const statuses = Object.values(task.steps).map(({ status }) => status);
  const done = statuses.filter((status) => status === 'succeeded' || status === 'skipped').length;
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

const taskColour = (status: string): Colour => {
  if (status === 'succeeded') return 'green';
  if (status === 'failed' || status === 'cancelled') return 'red';
  return status === 'running' || status === 'planning' || status === 'verifying' ? 'cyan' : 'yellow';
};
