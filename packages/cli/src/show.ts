// Shows a task while it runs: redrawn in place on a TTY, a line for each change elsewhere, a document a line for programs.
import { isEnded, type StepRecord, type TaskRecord } from '@capstan/contracts';
import { type Exit, exits } from './exit.ts';
import type { Terminal } from './terminal.ts';
import { clean, jsonText, spanOf } from './text.ts';
import { headline } from './headline.ts';
import { renderTree } from './tree/draw.ts';
import { countsText, stepDetail, words } from './tree/status.ts';
import { countsOf, treeOf } from './tree/graph.ts';

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

export const showOf = (terminal: Terminal, json: boolean): Show => {
  if (json) return jsonShow(terminal);
  return terminal.isTty ? liveShow(terminal) : lineShow(terminal);
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

const jsonShow = (terminal: Terminal): Show => {
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

/** The plan at first and as it ended, and between them a line for each change. */
const lineShow = (terminal: Terminal): Show => {
  const shown = new Map<string, string>();
  let last: TaskRecord | undefined;
  let troubled = false;
  const picture = (task: TaskRecord) => {
    const view = { columns: 120, lines: 60, now: Date.now(), style: terminal.style };
    for (const line of [headline(task, view), ...renderTree(task, view)]) terminal.print(line);
  };
  const changes = (before: TaskRecord, task: TaskRecord) => {
    const at = clock(task.updated_at);
    for (const [id, step] of Object.entries(task.steps)) {
      const now = `${step.status} ${step.attempt}`;
      const seen = shown.get(id);
      shown.set(id, now);
      // A step that was added and hasn't begun is no change worth a line.
      if (seen !== now && (seen !== undefined || step.status !== 'pending'))
        terminal.print(`${at}  ${changeLine(id, step)}`);
    }
    if (before.status !== task.status) terminal.print(`${at}  ${clean(task.task_id)}: ${words(task.status)}`);
  };
  return {
    task: (task) => {
      // Before it is planned there is no plan to show.
      const hadSteps = Object.keys(last?.steps ?? {}).length > 0;
      if (last && hadSteps) changes(last, task);
      else {
        if (!last || Object.keys(task.steps).length > 0) picture(task);
        for (const [id, step] of Object.entries(task.steps)) shown.set(id, `${step.status} ${step.attempt}`);
      }
      last = task;
    },
    trouble: (text) => {
      if (text !== null && !troubled) terminal.remark(`${clean(text)} Waiting for it to come back.`);
      if (text === null) terminal.remark('It is back.');
      troubled = text !== null;
    },
    ask: (text) => text !== null && terminal.print(clean(text)),
    above: (print) => print(),
    end: () => {
      if (last && isEnded(last.status)) picture(last);
      last = undefined;
    },
  };
};

const changeLine = (id: string, step: StepRecord): string => {
  const detail = stepDetail(step, Date.now());
  return `${clean(id)}: ${words(step.status)}${detail && detail !== step.status ? ` (${detail})` : ''}`;
};

const clock = (time: string): string => /T(\d\d:\d\d:\d\d)/.exec(time)?.[1] ?? clean(time);

const redrawMs = 200;

const liveShow = (terminal: Terminal): Show => {
  let task: TaskRecord | undefined;
  let trouble: string | null = null;
  let question: string | null = null;
  let drawn = 0;
  let turn = 0;
  let dueAt = 0;
  const draw = (last: boolean) => {
    if (!task) return;
    const began = Date.now();
    const { columns, rows } = terminal.size();
    const view = {
      columns: columns - 1,
      now: began,
      style: terminal.style,
      lines: last ? Math.max(rows, 60) : rows - 5,
      turn: last ? 0 : turn++,
    };
    const lines = [headline(task, view), ...renderTree(task, view)];
    if (trouble) lines.push(terminal.style.yellow(clean(trouble).slice(0, columns - 1)));
    if (question) lines.push('', terminal.style.bold(clean(question).slice(0, columns - 1)));
    // To the first line of the last picture, erase from there, draw; in one write, so that nothing flickers.
    terminal.draw(`${drawn > 0 ? `\u001b[${drawn}A` : ''}\r\u001b[J${lines.join('\n')}\n`);
    drawn = lines.length;
    // A very large plan takes long to draw: then more seldom.
    dueAt = began + Math.max(redrawMs, 10 * (Date.now() - began));
  };
  let ended = false;
  const timer = setInterval(() => Date.now() >= dueAt && draw(false), redrawMs);
  return {
    task: (next) => {
      task = next;
      draw(false);
    },
    trouble: (text) => {
      trouble = text;
    },
    ask: (text) => {
      question = text;
      draw(false);
    },
    above: (print) => {
      if (drawn > 0) terminal.draw(`\u001b[${drawn}A\r\u001b[J`);
      drawn = 0;
      print();
      draw(false);
    },
    end: () => {
      if (ended) return;
      ended = true;
      clearInterval(timer);
      trouble = null;
      question = null;
      draw(true);
    },
  };
};
