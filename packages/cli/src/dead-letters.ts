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
  const answer = await (await connect()).ask('dlq', verb, {
    ...(id !== undefined && { id }),
    ...filter,
    ...(all && { all }),
    ...(dryRun && { dry_run: true }),
    by: personOf(as),
  });
  if (json) {
    terminal.print(jsonText(answer));
    return exits.ok;
  }
  const done = entriesOf(answer['dead_letters']);
  const failed = entriesOf(answer['failed']);
  terminal.print(
    `${dryRun ? `Would have ${said[verb].toLowerCase()}` : said[verb]} ${counted(done.length, 'dead letter')}.`,
  );
  for (const { id: one, again } of done) terminal.print(`  ${clean(one)}${again === true ? ' (it was before)' : ''}`);
  for (const { id: one, message } of failed)
    terminal.remark(`  ${terminal.remarkStyle.red('not')} ${clean(one)}: ${clean(message)}`);
  return failed.length > 0 ? exits.failed : exits.ok;
};

const entriesOf = (list: unknown): Record<string, unknown>[] =>
  Array.isArray(list)
    ? list.filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null)
    : [];
