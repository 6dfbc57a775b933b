// Finds what a person decides about: by its own id, or by the task where only one thing there waits.
import type { Intervention } from '@capstan/contracts';
import { getIntervention, isExit, listInterventions } from './answers.ts';
import type { Client } from './client.ts';
import { CommandError, exits, mistake } from './exit.ts';
import { clean } from './text.ts';

export const findPending = async (
  client: Client,
  word: string,
  kinds: readonly Intervention['kind'][],
): Promise<Intervention> => {
  const named = await getIntervention(client, word).catch((error: unknown) => {
    if (isExit(error, exits.notFound)) return null;
    throw error;
  });
  if (named) return fitting(named, kinds);
  const { items } = await listInterventions(client, { task_id: word, status: 'pending' }, 100);
  const waiting = items.filter(({ kind }) => kinds.includes(kind));
  const [first, ...others] = waiting;
  if (!first) {
    const before = await decidedBefore(client, word, kinds);
    if (before) {
      const who = before.by ? ` by ${before.by}` : '';
      throw new CommandError(exits.conflict, `Nothing waits there any more: ${before.id} was ${before.status}${who}.`, {
        code: 'conflict',
        hint: `\`capstan watch ${word}\` shows how it went on.`,
      });
    }
    throw new CommandError(
      exits.notFound,
      `Nothing called "${word}" waits for ${wanted(kinds)}, and no task of that name has anything that does.`,
      {
        code: 'not_found',
        hint: '`capstan inbox` lists what waits for somebody.',
      },
    );
  }
  if (others.length > 0) {
    const ids = waiting.map(({ id, step_id }) => `${clean(id)} (${clean(step_id)})`).join(', ');
    throw mistake(`More than one thing waits there: ${ids}.`, 'Name one by its id.');
  }
  return first;
};

/** The last of the task that was decided, if any. */
const decidedBefore = async (client: Client, taskId: string, kinds: readonly Intervention['kind'][]) => {
  const { items } = await listInterventions(client, { task_id: taskId, status: 'all' }, 1_000);
  return items.findLast(({ kind, status }) => kinds.includes(kind) && status !== 'pending');
};

const fitting = (found: Intervention, kinds: readonly Intervention['kind'][]): Intervention => {
  if (kinds.includes(found.kind)) return found;
  const how = found.kind === 'question' ? '`capstan answer`' : '`capstan approve` or `capstan reject`';
  throw mistake(`${found.id} is ${found.kind === 'question' ? 'a question' : `an ${found.kind}`}.`, `Use ${how}.`);
};

const wanted = (kinds: readonly Intervention['kind'][]): string =>
  kinds.includes('question') ? 'an answer' : 'a decision';
