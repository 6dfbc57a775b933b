// `capstan replay`: a task decided anew from its log, event by event.
import { readKeyRing } from '@capstan/bus';
import { recordOf } from '@capstan/engine';
import { defineCommand } from '../command.ts';
import { CommandError, exits } from '../exit.ts';
import { headline } from '../headline.ts';
import { compare, type Comparison } from '../replay/compare.ts';
import { type Entry, fold } from '../replay/fold.ts';
import { messagesOf, skippedOf } from '../replay/history.ts';
import { effectWords, eventWords, timeOf } from '../replay/words.ts';
import { clean, counted, jsonText, padded } from '../text.ts';
import { renderTree } from '../tree/draw.ts';
import type { Terminal } from '../terminal.ts';

const differencesShown = 20;

export const replay = defineCommand({
  name: 'replay',
  group: 'operate',
  summary: 'Decide a task anew from its log, and print each event, decision and order',
  description:
    'Reads what is stored and asks no coordinator. The state that comes out is compared with the snapshot in the bucket; ' +
    'a difference is an error (exit 1) that says what differs. Needs permission to read the log and the buckets.',
  arguments: [{ name: 'task', text: 'the id of the task' }],
  options: {
    until: {
      type: 'whole',
      value: 'SEQ',
      text: 'only up to this event: the task as it was then',
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
    },
    'keys-file': {
      type: 'text',
      value: 'FILE',
      text: 'the keys of event tokens, where the installation has them in a file',
      env: 'CAPSTAN_EVENT_KEYS_FILE',
    },
  },
  examples: [
    { run: 'capstan replay feature-1087', what: 'everything that happened, and why' },
    { run: 'capstan replay feature-1087 --until 812', what: 'the task as it was after event 812' },
    {
      run: 'capstan replay feature-1087 --json | jq \'.events[] | select(.verdict != "applied")\'',
      what: 'what changed nothing',
    },
  ],
  run: async ({ args: { task }, options, connect, json, terminal }) => {
    const { bus } = await connect();
    const until = options.until ?? Number.POSITIVE_INFINITY;
    const ring = await readKeyRing(bus, { file: options['keys-file'] });
    const messages = await messagesOf(bus, task);
    if (messages.length === 0)
      throw new CommandError(exits.notFound, `The log has no event of a task "${clean(task)}".`, {
        code: 'not_found',
        hint: '`capstan list` shows the tasks that there are.',
      });
    const entries = await fold({ bus, task, ring, until, skipped: await skippedOf(bus, task) }, messages);
    const comparison = await compare(bus, task, entries, until);
    const found: Found = { task, entries, comparison, checked: ring !== null };
    if (json) terminal.print(jsonText(documentOf(found), 2));
    else print(found, terminal);
    return comparison.differences.length > 0 ? exits.failed : exits.ok;
  },
});

interface Found {
  readonly task: string;
  readonly entries: readonly Entry[];
  readonly comparison: Comparison;
  /** Whether the tokens could be checked. */
  readonly checked: boolean;
}

const lastState = (entries: readonly Entry[]) => entries.at(-1)?.state ?? null;

const documentOf = ({ task, entries, comparison, checked }: Found): object => {
  const state = lastState(entries);
  return {
    task_id: task,
    tokens_checked: checked,
    events: entries.map(({ seq, at, kind, name, verdict, why, effects, event, state: after }) => ({
      seq,
      at: new Date(at).toISOString(),
      kind,
      name,
      verdict,
      why,
      status: after?.status ?? null,
      ...(event === null || event.kind === 'submitted' ? {} : { event }),
      effects,
    })),
    task: state === null ? null : recordOf(state, { whole: true }),
    snapshot: comparison,
  };
};

const print = ({ task, entries, comparison, checked }: Found, terminal: Terminal): void => {
  const { style } = terminal;
  for (const entry of entries) {
    const { verdict, why, seq, at } = entry;
    const mark = verdict === 'applied' ? '' : ` ${style.yellow(`(${verdict}: ${clean(why)})`)}`;
    terminal.print(`${padded(String(seq), 7)} ${style.dim(timeOf(at))}  ${style.bold(eventWords(entry))}${mark}`);
    for (const effect of entry.effects)
      terminal.print(`        ${effect.kind === 'order' ? '→' : '·'} ${effectWords(effect)}`);
  }
  const state = lastState(entries);
  terminal.print('');
  if (state !== null) {
    const record = recordOf(state, { whole: true });
    const view = { columns: terminal.size().columns - 1, lines: 200, now: state.at, style };
    terminal.print(headline(record, view));
    if (record.reason) terminal.print(`because: ${clean(record.reason)}`);
    for (const line of renderTree(record, view)) terminal.print(line);
  }
  if (!checked) terminal.remark('The tokens were not checked: the keys are not to be read here (--keys-file FILE).');
  remarkOn(task, comparison, terminal);
};

const remarkOn = (task: string, { seq, differences, skipped }: Comparison, terminal: Terminal): void => {
  if (skipped !== null) terminal.remark(`Not compared with the snapshot: ${skipped}.`);
  else if (differences.length === 0) terminal.remark(`The snapshot of event ${seq} says the same.`);
  else {
    terminal.remark(
      terminal.remarkStyle.red(
        `The snapshot of ${clean(task)} is not what its log says: ${counted(differences.length, 'difference')}.`,
      ),
    );
    for (const difference of differences.slice(0, differencesShown)) terminal.remark(`  ${clean(difference)}`);
    if (differences.length > differencesShown)
      terminal.remark(`  … and ${differences.length - differencesShown} more; --json has all.`);
  }
};
