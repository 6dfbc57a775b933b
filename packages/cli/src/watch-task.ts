// Watches one task to its end and says how it went: what `watch` and `submit --watch` do.
import type { Client } from './client.ts';
import type { Exit } from './exit.ts';
import { follow } from './follow.ts';
import { exitOfTask, jsonShow, type Show, summary } from './show.ts';
import { lineShow } from './show-lines.ts';
import { liveShow } from './show-live.ts';
import type { Terminal } from './terminal.ts';

export interface Watching {
  readonly json: boolean;
  readonly timeoutMs: number | undefined;
  /** It was stored a moment ago. */
  readonly known?: boolean;
}

/** Redrawn in place where that can be done. */
export const showOn = (terminal: Terminal): Show => (terminal.isTty ? liveShow(terminal) : lineShow(terminal));

export const watchTask = async (
  client: Client,
  terminal: Terminal,
  taskId: string,
  watching: Watching,
): Promise<Exit> => {
  const show = watching.json ? jsonShow(terminal) : showOn(terminal);
  try {
    const task = await follow(client, taskId, {
      onTask: show.task,
      onTrouble: show.trouble,
      timeoutMs: watching.timeoutMs,
      known: watching.known === true,
    });
    show.end();
    if (!watching.json) for (const line of summary(task, terminal)) terminal.print(line);
    return exitOfTask(task);
  } finally {
    show.end();
  }
};
