// Draws a task as a tree of its steps: a pure function from a record to lines that fit a terminal.
import type { StepRecord, StepStatus, TaskRecord } from '@capstan/contracts';
import type { Colour, Style } from '../style.ts';
import { clean, cut, widthOf } from '../text.ts';
import { type Fitted, fit } from './fit.ts';
import { countsOf, isJoin, type Node, treeOf } from './graph.ts';
import { countsText, joined, marks, mostTelling, stepDetail } from './status.ts';

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

const turning = ['◐', '◓', '◑', '◒'];

const marked = (status: StepStatus, view: View): readonly [string, Colour] =>
  status === 'running' && view.turn !== undefined
    ? [turning[view.turn % turning.length] ?? '●', 'cyan']
    : marks[status];

const nameOf = (id: string, step: StepRecord): string => {
  const title = 'title' in step && typeof step['title'] === 'string' ? clean(step['title']) : '';
  return title && title !== id ? `${clean(id)}  ${title}` : clean(id);
};

const dimmed = (text: string, colour: Colour, style: Style): string =>
  colour === 'red' || colour === 'yellow' ? style[colour](text) : style.dim(text);
