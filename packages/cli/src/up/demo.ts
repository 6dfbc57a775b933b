// The demonstration: one task, shown live, with an approval asked for at the terminal. Outlives the death of any process of the
// system, nats-server included: whatever it asks for it asks for again.
import { randomBytes } from 'node:crypto';
import { isEnded, type Intervention, type TaskRecord } from '@capstan/contracts';
import { listInterventions, listTasks } from '../answers.ts';
import type { Client } from '../client.ts';
import { CommandError, exits } from '../exit.ts';
import { follow } from '../follow.ts';
import { personOf } from '../person.ts';
import { type Show, summary } from '../show.ts';
import type { Terminal } from '../terminal.ts';
import { clean, counted, spanOf } from '../text.ts';
import { words } from '../tree/status.ts';
import { showOn } from '../watch-task.ts';
import { demoTask } from './demo-plan.ts';
import type { Say } from './say.ts';

export interface Demo {
  readonly client: Client;
  readonly terminal: Terminal;
  readonly say: Say;
  readonly json: boolean;
  readonly approveAfterMs: number;
  readonly signal: AbortSignal;
}

export const sayEarlierTasks = async ({ client, say }: Pick<Demo, 'client' | 'say'>): Promise<void> => {
  const { items } = await listTasks(client, {}, 1_000);
  const [last] = items;
  if (!last) return;
  const open = items.filter(({ status }) => !isEnded(status)).length;
  const count = items.length === 1_000 ? '1,000 or more earlier tasks' : counted(items.length, 'earlier task');
  const unfinished = open > 0 ? `; ${open} not ended yet` : '';
  const text = `${count}${unfinished}; the last: ${clean(last.title)} (${clean(last.task_id)}), ${words(last.status)}, ${spanOf(Date.now() - Date.parse(last.created_at))} ago`;
  say.result('earlier_tasks', { count: items.length, open, last: last.task_id }, text);
};

export const runDemo = async (demo: Demo): Promise<TaskRecord> => {
  const { client, terminal, say, json, signal } = demo;
  const taskId = `demo-${randomBytes(4).toString('hex')}`;
  await persist(signal, () => client.ask('task', 'submit', demoTask(taskId)));
  say.note('demo', { task_id: taskId });
  const show = json ? jsonDemoShow(say) : showOn(terminal);
  say.through(json ? null : show);
  let asking: Promise<void> | null = null;
  const decided = new Set<string>();
  try {
    const task = await follow(client, taskId, {
      known: true,
      signal,
      onTrouble: show.trouble,
      onTask: (now) => {
        show.task(now);
        if (Object.values(now.steps).some(({ status }) => status === 'awaiting_approval'))
          asking ??= decideOne(demo, show, taskId, decided).finally(() => (asking = null));
      },
    });
    show.end();
    say.through(null);
    const lines = json ? [] : summary(task, terminal);
    say.result('demo_ended', { task_id: taskId, status: task.status }, lines.join('\n'));
    return task;
  } finally {
    show.end();
    say.through(null);
    await (asking as Promise<void> | null)?.catch(() => {});
  }
};

/** Says each change of a step on a line of its own, small enough to read. */
const jsonDemoShow = (say: Say): Show => {
  const shown = new Map<string, string>();
  return {
    task: ({ task_id, steps }) => {
      for (const [id, { status, attempt }] of Object.entries(steps)) {
        if (shown.get(id) === `${status} ${attempt}`) continue;
        shown.set(id, `${status} ${attempt}`);
        say.note('step', { task_id, step_id: id, status, attempt });
      }
    },
    trouble: (text) => text !== null && say.note('trouble', { message: text }),
    ask: () => {},
    above: (print) => print(),
    end: () => {},
  };
};

const decideOne = async (demo: Demo, show: Show, taskId: string, decided: Set<string>): Promise<void> => {
  const { client, say, signal, terminal } = demo;
  const asked = await persist(
    signal,
    async () => (await listInterventions(client, { task_id: taskId, status: 'pending' }, 1)).items[0],
  );
  // Not written down yet, or decided already: the next look at the task tells.
  if (!asked || decided.has(asked.id)) return;
  const answer = await askPerson(demo, show, asked);
  if (answer === null) return;
  decided.add(asked.id);
  const verb = answer === 'reject' ? 'reject' : 'approve';
  const by = answer === 'nobody' ? 'capstan up' : personOf(undefined);
  try {
    await persist(signal, () =>
      client.ask('inbox', verb, {
        id: asked.id,
        by,
        reason: answer === 'nobody' ? 'nobody answered' : 'at the terminal',
      }),
    );
  } catch (error) {
    // Somebody else was first.
    if (!(error instanceof CommandError) || error.exit !== exits.conflict) throw error;
    return;
  }
  const why = terminal.hasKeys
    ? `Nobody answered within ${spanOf(demo.approveAfterMs)}`
    : 'Nobody is at a terminal here';
  const text = {
    approve: `Approved by ${clean(by)}.`,
    reject: `Rejected by ${clean(by)}.`,
    nobody: `${why}: approved automatically.`,
  }[answer];
  say.result('decided', { id: asked.id, decision: verb, automatic: answer === 'nobody' }, text);
};

type Answer = 'approve' | 'reject' | 'nobody';

/** Null where it was told to stop before there was an answer. */
const askPerson = (
  { terminal, signal, approveAfterMs, say, json }: Demo,
  show: Show,
  asked: Intervention,
): Promise<Answer | null> =>
  new Promise((resolve) => {
    const asks = Date.now();
    const until = asks + approveAfterMs;
    const question = () => {
      const left = Math.max(0, Math.ceil((until - Date.now()) / 1_000));
      const risk = asked.risk ? ` (risk ${clean(asked.risk)})` : '';
      return terminal.hasKeys
        ? `Approve ${clean(asked.step_id)}${risk}?  y/N  — given automatically in ${left} s`
        : `Approve ${clean(asked.step_id)}${risk}? Nobody is at a terminal here: given automatically in ${left} s.`;
    };
    const over = (answer: Answer | null) => {
      clearTimeout(timer);
      clearInterval(counting);
      stopKeys();
      signal.removeEventListener('abort', stopped);
      show.ask(null);
      resolve(answer);
    };
    const stopped = () => over(null);
    const stopKeys =
      terminal.hasKeys && !json
        ? terminal.keys((key) => {
            // What was typed before the question was read is no answer to it.
            if (Date.now() - asks < unreadMs) return;
            if (/^[yY]/.test(key)) over('approve');
            else if (/^[nN\r\n]/.test(key)) over('reject');
          })
        : () => {};
    const timer = setTimeout(() => over('nobody'), approveAfterMs);
    const counting = setInterval(() => terminal.isTty && !json && show.ask(question()), 1_000);
    signal.addEventListener('abort', stopped);
    if (json) say.note('approval', { id: asked.id, step_id: asked.step_id, given_in_ms: approveAfterMs });
    else show.ask(question());
  });

const unreadMs = 200;
const againMs = 250;

/** Asks until somebody answers: in an outage nobody does, and it ends. */
const persist = async <T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> => {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof CommandError) || error.exit !== exits.unavailable) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, againMs));
  }
};
