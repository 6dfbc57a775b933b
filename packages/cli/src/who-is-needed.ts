// While a command waits for a task: says, once for each, what waits for a person, since nobody else would.
import type { TaskRecord } from '@capstan/contracts';
import type { Terminal } from './terminal.ts';
import { clean } from './text.ts';

export const sayWhoIsNeeded = (terminal: Terminal): ((task: TaskRecord) => void) => {
  const said = new Set<string>();
  const say = (key: string, text: string): void => {
    if (said.has(key)) return;
    said.add(key);
    terminal.remark(`${terminal.remarkStyle.yellow('waits:')} ${text}`);
  };
  return (task) => {
    for (const [id, { intervention, waiting_for: what }] of Object.entries(task.steps))
      if (intervention !== undefined)
        say(
          intervention,
          `${clean(id)} waits for a person: ${clean(what ?? intervention)}. \`capstan inbox\` lists it.`,
        );
    if (task.status === 'paused' || task.status === 'planned')
      say(`${task.status} ${task.reason}`, `${clean(task.task_id)} ${clean(task.reason ?? `is ${task.status}`)}.`);
  };
};
