// Shows a task on a terminal: the picture is redrawn in place.
import type { TaskRecord } from '@capstan/contracts';
import { headline } from './headline.ts';
import { hintOf, type Show } from './show.ts';
import type { Terminal } from './terminal.ts';
import { clean, cut } from './text.ts';
import { renderTree } from './tree/draw.ts';

/** How often what runs is seen to run. */
const redrawMs = 200;

export const liveShow = (terminal: Terminal): Show => {
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
      lines: last ? Math.max(rows, 60) : rows - 6,
      turn: last ? 0 : turn++,
    };
    const lines = [headline(task, view), ...renderTree(task, view)];
    if (trouble) lines.push(terminal.style.yellow(cut(clean(trouble), columns - 1)));
    const hint = last ? '' : hintOf(task);
    if (question) lines.push('', terminal.style.bold(cut(clean(question), columns - 1)));
    else if (hint) lines.push('', terminal.style.dim(cut(hint, columns - 1)));
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
