// Tells a task, or one step of it, to do something: what cancel, pause, resume, start, retry and skip have in common.
import type { Surroundings } from './command.ts';
import { type Exit, exits } from './exit.ts';
import { personOf } from './person.ts';
import { clean, jsonText } from './text.ts';
import { words } from './tree/status.ts';

export interface Telling {
  /** Of `<ns>.api.task.<verb>`. */
  readonly verb: 'cancel' | 'pause' | 'resume' | 'execute' | 'retry' | 'skip';
  readonly taskId: string;
  readonly stepId?: string | undefined;
  readonly as: string | undefined;
  readonly reason: string | undefined;
  /** What to say once it is stored. */
  readonly done: string;
}

export const tellTask = async ({ connect, json, terminal }: Surroundings, telling: Telling): Promise<Exit> => {
  const { verb, taskId, stepId, as, reason } = telling;
  const client = await connect();
  const answer = await client.ask('task', verb, {
    task_id: taskId,
    ...(stepId !== undefined && { step_id: stepId }),
    by: personOf(as),
    ...(reason !== undefined && { reason }),
  });
  if (json) terminal.print(jsonText(answer));
  else {
    const status =
      typeof answer['status'] === 'string' ? ` Status of the task: ${words(clean(answer['status']))}.` : '';
    terminal.print(`${telling.done}.${status}`);
  }
  return exits.ok;
};
