// Acts on dead letters: what `dlq redrive` and `dlq drop` have in common.
import { dlqReasons } from '@capstan/contracts';
import type { Surroundings } from './command.ts';
import { type Exit, exits, mistake } from './exit.ts';
import { personOf } from './person.ts';
import { clean, counted, jsonText } from './text.ts';

export const filterOptions = {
  reason: { type: 'text', value: 'REASON', text: 'only those put aside for this reason', oneOf: dlqReasons },
  source: { type: 'text', value: 'SERVICE', text: 'only those that this service put aside' },
  task: { type: 'text', value: 'TASK', text: 'only those of this task' },
  since: { type: 'text', value: 'TIME', text: 'only those since, such as 2026-12-01' },
} as const;

export const actOptions = {
  ...filterOptions,
  all: { type: 'flag', text: 'all that are open' },
  'dry-run': { type: 'flag', text: 'only tell which' },
  as: { type: 'text', value: 'NAME', text: 'in whose name (default: who is logged in here)', env: 'CAPSTAN_AS' },
} as const;

export interface Acting {
  readonly verb: 'redrive' | 'drop';
  readonly id: string | undefined;
  readonly options: {
    readonly reason: string | undefined;
    readonly source: string | undefined;
    readonly task: string | undefined;
    readonly since: string | undefined;
    readonly all: boolean;
    readonly 'dry-run': boolean;
    readonly as: string | undefined;
  };
}

const said = { redrive: 'Redriven', drop: 'Dropped' } as const;

export const actOnDeadLetters = async (
  { connect, json, terminal }: Surroundings,
  { verb, id, options }: Acting,
): Promise<Exit> => {
  const { task, all, as, 'dry-run': dryRun, ...rest } = options;
  const filter = Object.fromEntries(
    Object.entries({ ...rest, task_id: task }).filter(([, value]) => value !== undefined),
  );
  const filtered = Object.keys(filter).length > 0;
  if (id === undefined && !filtered && !all)
    throw mistake('Which ones? Give an id, a filter, or --all.', `\`capstan dlq ${verb} --help\` has examples.`);
  if (id !== undefined && (filtered || all))
    throw mistake('An id and a filter say different things.', 'Give one of them.');
  const body = {
    ...(id !== undefined ? { id } : { limit: atOnce }),
    ...filter,
    ...(all && { all }),
    ...(dryRun && { dry_run: true }),
    by: personOf(as),
  };
  const client = await connect();
  const done: Record<string, unknown>[] = [];
  const failed: Record<string, unknown>[] = [];
  const sum = () =>
    `${dryRun ? `Would have ${said[verb].toLowerCase()}` : said[verb]} ${counted(done.length, 'dead letter')}`;
  for (let cursor: string | null = null; ; ) {
    let answer: Record<string, unknown>;
    try {
      answer = await client.ask('dlq', verb, { ...body, ...(cursor !== null && { cursor }) }, actMs);
    } catch (error) {
      if (cursor !== null) terminal.remark(`${sum()} so far; the same command goes on with the others.`);
      throw error;
    }
    done.push(...entriesOf(answer['dead_letters']));
    failed.push(...entriesOf(answer['failed']));
    const next = answer['cursor'];
    if (typeof next === 'string' && next !== cursor) {
      cursor = next;
      continue;
    }
    if (!json) break;
    terminal.print(jsonText(cursor === null ? answer : { ...answer, ...whole(done, failed) }));
    return exits.ok;
  }
  terminal.print(`${sum()}.`);
  for (const { id: one, again } of done) terminal.print(`  ${clean(one)}${again === true ? ' (it was before)' : ''}`);
  for (const { id: one, message } of failed)
    terminal.remark(`  ${terminal.remarkStyle.red('not')} ${clean(one)}: ${clean(message)}`);
  return failed.length > 0 ? exits.failed : exits.ok;
};

/** What several answers say together. */
const whole = (done: readonly unknown[], failed: readonly unknown[]) => ({
  count: done.length,
  dead_letters: done,
  ...(failed.length > 0 && { failed }),
});

/** Few enough that none waits long for an answer. */
const atOnce = 200;
const actMs = 60_000;

const entriesOf = (list: unknown): Record<string, unknown>[] =>
  Array.isArray(list)
    ? list.filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null)
    : [];
