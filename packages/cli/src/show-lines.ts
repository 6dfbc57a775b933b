// Shows a task where nothing can be redrawn: the plan at first, as it grows and as it ended, and between them a line for each change.
import { isEnded, type StepRecord, type TaskRecord } from '@capstan/contracts';
import { headline } from './headline.ts';
import { hintOf, type Show } from './show.ts';
import type { Terminal } from './terminal.ts';
import { clean } from './text.ts';
import { renderTree } from './tree/draw.ts';
import { stepDetail, words } from './tree/status.ts';

/** More changes than this at one look are counted, not listed. */
const listedMax = 12;

export const lineShow = (terminal: Terminal): Show => {
  const shown = new Map<string, string>();
  let last: TaskRecord | undefined;
  let hint = '';
  let troubled = false;
  const picture = (task: TaskRecord) => {
    const view = { columns: 120, lines: 60, now: Date.now(), style: terminal.style };
    for (const line of [headline(task, view), ...renderTree(task, view)]) terminal.print(line);
  };
  /** The steps that changed, by whether they were there before. */
  const look = (task: TaskRecord) => {
    const changed: [string, StepRecord][] = [];
    let grown = false;
    for (const [id, step] of Object.entries(task.steps)) {
      const now = `${step.status} ${step.attempt}`;
      const seen = shown.get(id);
      shown.set(id, now);
      if (seen === undefined) grown = true;
      else if (seen !== now) changed.push([id, step]);
    }
    return { changed, grown };
  };
  return {
    task: (task) => {
      const { changed, grown } = look(task);
      const at = clock(task.updated_at);
      if (last) {
        for (const line of changed.length > listedMax ? countedLines(changed) : changed.map(changeLine))
          terminal.print(`${at}  ${line}`);
        if (last.status !== task.status) terminal.print(`${at}  ${clean(task.task_id)}: ${words(task.status)}`);
      }
      // As it ended it is shown at the end.
      if ((!last || grown) && !isEnded(task.status)) picture(task);
      const next = hintOf(task);
      if (next !== hint && next !== '') terminal.remark(next);
      hint = next;
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

const changeLine = ([id, step]: [string, StepRecord]): string => {
  const detail = stepDetail(step, Date.now());
  return `${clean(id)}: ${words(step.status)}${detail && detail !== step.status ? ` (${detail})` : ''}`;
};

/** `part-*: 134 succeeded`; what is no family, and what failed, is still named. */
const countedLines = (changed: readonly [string, StepRecord][]): string[] => {
  const groups = new Map<string, [string, StepRecord][]>();
  for (const entry of changed) {
    const [id, { status }] = entry;
    const key = `${id.replace(/-\d+$/, '-*')}: ${words(status)}`;
    const group = groups.get(key);
    if (group) group.push(entry);
    else groups.set(key, [entry]);
  }
  const lines = [...groups].flatMap(([key, group]) => {
    const [name, status] = key.split(': ');
    return group.length === 1 ? group.map(changeLine) : [`${clean(name)}: ${group.length} ${clean(status)}`];
  });
  return lines.length <= 2 * listedMax
    ? lines
    : [...lines.slice(0, 2 * listedMax), `… and ${lines.length - 2 * listedMax} more changes`];
};

const clock = (time: string): string => /T(\d\d:\d\d:\d\d)/.exec(time)?.[1] ?? clean(time);
