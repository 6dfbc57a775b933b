// `capstan why`: what an unfinished task waits for, in words.
import { isEnded, type StepRecord } from '@capstan/contracts';
import { getTask } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { quarantineText } from '../quarantined.ts';
import { clean, jsonText } from '../text.ts';
import { marks, stepDetail, words } from '../tree/status.ts';

/** Those that others wait for come first, and each reason that many share is said once. */
const shownMax = 30;

export const why = defineCommand({
  name: 'why',
  group: 'tasks',
  summary: 'Say what each unfinished step of a task waits for',
  arguments: [{ name: 'task', text: 'the id of the task' }],
  options: {},
  examples: [{ run: 'capstan why feature-1087', what: 'for example: "deploy: waits for an approval by tech_lead"' }],
  run: async ({ args, connect, json, terminal }) => {
    const task = await getTask(await connect(), args.task);
    const open = Object.entries(task.steps).filter(([, step]) => !isEnded(step.status));
    if (json) {
      const steps = open.map(([id, { status, waiting_for }]) => ({ id, status, waiting_for }));
      const denials = task.denials ?? [];
      terminal.print(jsonText({ task_id: task.task_id, status: task.status, reason: task.reason, steps, denials }));
      return exits.ok;
    }
    const because = task.reason ? `: ${clean(task.reason).replace(/\.$/, '')}` : '';
    terminal.print(`${clean(task.task_id)} is ${words(task.status)}${because}.`);
    const quarantined = quarantineText(task);
    if (quarantined !== null) terminal.print(`  ${terminal.style.red(quarantined)}`);
    const reasons = new Map<string, string[]>();
    for (const [id, step] of open.toSorted(([, a], [, b]) => urgency(a) - urgency(b))) {
      const reason = `${words(step.status)}: ${clean(step.waiting_for ?? stepDetail(step, Date.now()))}`;
      reasons.set(reason, [...(reasons.get(reason) ?? []), clean(id)]);
    }
    for (const [reason, ids] of [...reasons].slice(0, shownMax)) {
      const named = ids.length > 3 ? `${ids.slice(0, 3).join(', ')} and ${ids.length - 3} more` : ids.join(', ');
      terminal.print(`  ${terminal.style.bold(named)}  ${reason}`);
    }
    if (reasons.size > shownMax) terminal.print(`  … and ${reasons.size - shownMax} more reasons; --json has all.`);
    for (const { policy, mode, step, phase, reason, metadata } of task.denials ?? []) {
      const where = step === null ? `phase ${phase}` : step;
      const verb = mode === 'check' ? 'would deny' : 'denied';
      terminal.print(
        `  policy ${terminal.style.bold(clean(policy))} ${verb} ${clean(where)}: ${clean(reason)}${more(metadata)}`,
      );
    }
    if (open.length > 0) return exits.ok;
    for (const [id, { error }] of Object.entries(task.steps)) {
      if (error) terminal.print(`  ${terminal.style.bold(clean(id))}  ${clean(error.code)}: ${clean(error.message)}`);
    }
    return exits.ok;
  },
});

const more = (metadata: object): string => {
  const said = Object.entries(metadata).map(([name, value]) => `${clean(name)}: ${clean(String(value))}`);
  return said.length === 0 ? '' : ` (${said.join(', ')})`;
};

const order = ['awaiting_approval', 'awaiting_input', 'blocked', 'retrying', 'running', 'ready', 'pending'];
const urgency = ({ status }: StepRecord): number => (status in marks ? order.indexOf(status) : order.length);
