// What it takes to show a task while it runs, and what is said of it in the end. How it looks is show-live.ts and show-lines.ts.
import type { TaskRecord } from '@capstan/contracts';
import { type Exit, exits } from './exit.ts';
import type { Terminal } from './terminal.ts';
import { clean, jsonText, spanOf } from './text.ts';
import { countsOf, treeOf } from './tree/graph.ts';
import { countsText, words } from './tree/status.ts';

export interface Show {
  task(task: TaskRecord): void;
  trouble(text: string | null): void;
  /** A line below the tree, such as a question; null for none. */
  ask(text: string | null): void;
  /** Prints what is not part of the picture, above it. */
  above(print: () => void): void;
  /** Leaves the last picture standing. */
  end(): void;
}

/** What somebody could do so that it goes on; nothing where it does by itself. */
export const hintOf = ({ task_id, steps }: TaskRecord): string => {
  const statuses = Object.values(steps).map(({ status }) => status);
  const id = clean(task_id);
  if (statuses.includes('awaiting_approval'))
    return `It waits for somebody: \`capstan approve ${id}\` or \`capstan reject ${id}\`.`;
  return statuses.includes('awaiting_input')
    ? `It waits for somebody: \`capstan answer ${id} VALUE\`; \`capstan inbox\` has the question.`
    : '';
};

/** How a command ends whose task ended so. */
export const exitOfTask = (task: TaskRecord): Exit => (task.status === 'succeeded' ? exits.ok : exits.failed);

export const summary = (task: TaskRecord, terminal: Terminal): string[] => {
  const { style } = terminal;
  const took = Date.parse(task.finished_at ?? task.updated_at) - Date.parse(task.started_at ?? task.created_at);
  const attempts = Object.values(task.steps).reduce((sum, step) => sum + step.attempts.length, 0);
  const colour = task.status === 'succeeded' ? style.green : style.red;
  const facts = [
    `took ${spanOf(took)}`,
    countsText(countsOf(treeOf(task.steps).children.flatMap(withBelow))),
    `${attempts} attempts`,
  ];
  const lines = [`${colour(words(task.status))} ${clean(task.task_id)}: ${facts.join('; ')}`];
  if (task.reason) lines.push(`  because: ${clean(task.reason)}`);
  return lines;
};

const withBelow = (node: ReturnType<typeof treeOf>): ReturnType<typeof treeOf>[] => [
  node,
  ...node.children.flatMap(withBelow),
];

/** A document a line. */
export const jsonShow = (terminal: Terminal): Show => {
  let last = '';
  return {
    task: (task) => {
      const text = jsonText(task);
      if (text !== last) terminal.print(text);
      last = text;
    },
    trouble: (text) => text !== null && terminal.remark(clean(text)),
    ask: () => {},
    above: (print) => print(),
    end: () => {},
  };
};
