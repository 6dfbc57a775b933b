// Dead letters: listed, read, sent on their way again, dropped.
import { isUtf8 } from 'node:buffer';
import { drop, isBusError, listLetters, readLetter, redrive, textOf } from '@capstan/bus';
import { type DeadLetter, dlqAct, dlqAsk, dlqList, timeMs } from '@capstan/contracts';
import { readBody } from '../doors/read-body.ts';
import { Refusal } from '../doors/refusal.ts';
import { keyOf } from '../key-of.ts';
import { sayEvent } from '../say.ts';
import type { World } from '../world.ts';
import { archivedRefusal } from './commands.ts';
import { type Endpoint, endpoint } from './endpoint.ts';

/** So many are acted on where nobody says how many; the answer's cursor leads on to the rest. */
const pageMax = 1_000;

const states = new Set(['open', 'redriven', 'dropped']);

const list = endpoint('dlq', 'list', async ({ world }, data) => {
  const { value: asked } = readBody(data, dlqList);
  if (asked.state !== undefined && asked.state !== 'all' && !states.has(asked.state))
    throw new Refusal('invalid', 'state must be open, redriven, dropped or all.', {
      fields: [{ path: 'state', issue: 'must be open, redriven, dropped or all' }],
    });
  const since = asked.since === undefined ? 0 : timeMs(asked.since);
  const { letters, next } = await listLetters(world.bus, {
    limit: asked.limit ?? 100,
    before: asked.cursor === undefined ? undefined : Number(asked.cursor),
    source: asked.source,
    reason: asked.reason,
    task: asked.task_id,
    state: asked.state === undefined || asked.state === 'all' ? undefined : (asked.state as DeadLetter['state']),
  });
  return {
    dead_letters: letters.filter((letter) => timeMs(letter.at) >= since),
    cursor: next === null ? null : String(next),
  };
});

const get = endpoint('dlq', 'get', async ({ world }, data) => {
  const { value: asked } = readBody(data, dlqAsk);
  const found = await readLetter(world.bus, asked.id);
  if (found === null) throw missing(asked.id);
  const { letter, data: bytes, headers } = found;
  // What is no text is shown as what it is; the bytes themselves stay in the stream.
  return {
    ...letter,
    headers,
    ...(isUtf8(bytes) && bytes.length <= bodyShownMax
      ? { body: textOf(bytes) }
      : { body_base64: Buffer.from(bytes.subarray(0, bodyShownMax)).toString('base64') }),
  };
});

const bodyShownMax = 256 * 1_024;

const missing = (id: string): Refusal =>
  new Refusal('not_found', `There is no dead letter "${id}".`, { hint: 'capstan dlq ls shows those that there are.' });

/** One by its id, or all open ones that match. */
const acting = (
  verb: 'redrive' | 'drop',
  act: (world: World, id: string, by: string) => Promise<{ letter: DeadLetter; again: boolean } | null>,
): Endpoint =>
  endpoint('dlq', verb, async ({ world }, data) => {
    const { value: asked } = readBody(data, dlqAct);
    const { id, by = 'somebody', dry_run: dry = false } = asked;
    const hasFilter =
      asked.reason !== undefined ||
      asked.source !== undefined ||
      asked.task_id !== undefined ||
      asked.since !== undefined;
    if (id === undefined && !hasFilter && asked.all !== true)
      throw new Refusal(
        'invalid',
        'Which ones? Give an id, a filter (reason, source, task_id, since), or "all": true.',
      );
    const { ids, cursor } = id !== undefined ? { ids: [id], cursor: null } : await matching(world, asked);
    const done: { id: string; state: string; again: boolean }[] = [];
    const failed: { id: string; message: string }[] = [];
    for (const one of ids) {
      if (dry) {
        const found = await readLetter(world.bus, one);
        if (found === null) throw missing(one);
        done.push({ id: one, state: found.letter.state, again: false });
        continue;
      }
      try {
        const closed = await act(world, one, by);
        if (closed === null) throw missing(one);
        done.push({ id: one, state: closed.letter.state, again: closed.again });
      } catch (error) {
        const refusal =
          error instanceof Refusal
            ? error
            : isBusError(error, 'conflict')
              ? new Refusal('conflict', error.message)
              : null;
        // Asked for one, its refusal is the answer; asked for many, the others go on.
        if (refusal === null || id !== undefined) throw refusal ?? error;
        failed.push({ id: one, message: refusal.message });
      }
    }
    return { dry_run: dry, count: done.length, dead_letters: done, ...(failed.length === 0 ? {} : { failed }), cursor };
  });

const matching = async (
  world: World,
  asked: {
    source?: string | undefined;
    reason?: DeadLetter['reason'] | undefined;
    task_id?: string | undefined;
    since?: string | undefined;
    limit?: number | undefined;
    cursor?: string | undefined;
  },
): Promise<{ ids: string[]; cursor: string | null }> => {
  const since = asked.since === undefined ? 0 : timeMs(asked.since);
  const { letters, next } = await listLetters(world.bus, {
    limit: asked.limit ?? pageMax,
    before: asked.cursor === undefined ? undefined : Number(asked.cursor),
    source: asked.source,
    reason: asked.reason,
    task: asked.task_id,
    state: 'open',
  });
  return {
    ids: letters.filter((letter) => timeMs(letter.at) >= since).map((letter) => letter.id),
    cursor: next === null ? null : String(next),
  };
};

const redriveOne = (world: World, id: string, by: string) =>
  redrive(world.bus, id, {
    by,
    step: async (letter) => {
      const task = letter.task_id as string;
      if (await world.archive.holds(task)) throw archivedRefusal(task);
      const key = await keyOf(world, task);
      return () => sayEvent(world, task, key, ['redriven', id], { v: 1, step_id: letter.step_id, by });
    },
  });

export const dlqEndpoints: readonly Endpoint[] = [
  list,
  get,
  acting('redrive', redriveOne),
  acting('drop', (world, id, by) => drop(world.bus, id, by)),
];
