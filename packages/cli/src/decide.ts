// Decides on what waits for a person: what approve, reject and answer have in common.
import type { Intervention, Json } from '@capstan/contracts';
import type { Surroundings } from './command.ts';
import { type Exit, exits } from './exit.ts';
import { findPending } from './pending.ts';
import { personOf, personOptions } from './person.ts';
import { clean, jsonText } from './text.ts';

export const deciderOptions = {
  ...personOptions,
  role: { type: 'text', value: 'ROLE', text: 'in which role, where roles are asked for' },
} as const;

export interface Deciding {
  readonly verb: 'approve' | 'reject' | 'answer';
  /** An id of an intervention, or of a task. */
  readonly word: string;
  readonly as: string | undefined;
  readonly role: string | undefined;
  readonly reason: string | undefined;
  readonly value?: (asked: Intervention) => Json;
}

const said = { approve: 'Approved', reject: 'Rejected', answer: 'Answered' } as const;

export const decide = async ({ connect, json, terminal }: Surroundings, deciding: Deciding): Promise<Exit> => {
  const { verb, word, as, role, reason, value } = deciding;
  const client = await connect();
  const asked = await findPending(client, word, verb === 'answer' ? ['question', 'flag'] : ['approval', 'flag']);
  const answer = await client.ask('inbox', verb, {
    id: asked.id,
    by: personOf(as),
    ...(role !== undefined && { role }),
    ...(reason !== undefined && { reason }),
    ...(value && { value: value(asked) }),
  });
  if (json) terminal.print(jsonText(answer));
  else
    terminal.print(
      `${said[verb]} ${clean(asked.id)}: ${clean(asked.title)}. \`capstan watch ${clean(asked.task_id)}\` shows how it goes on.`,
    );
  return exits.ok;
};
