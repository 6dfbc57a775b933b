// Waits until every service answers: the coordinator its API, and each agent by its announcement.
import { listAgents } from '../answers.ts';
import type { Client } from '../client.ts';
import { CommandError, exits } from '../exit.ts';

export interface Expected {
  readonly name: string;
  readonly queue: string;
  /** Of the process that runs now; another one after a restart. */
  readonly instance: () => string;
}

const withinMs = 120_000;
const sayAfterMs = 15_000;

export const untilReady = async (
  client: Client,
  expected: readonly Expected[],
  signal: AbortSignal,
  onSlow: (missing: string) => void,
): Promise<void> => {
  const began = Date.now();
  let said = false;
  let missing = 'the coordinator';
  for (;;) {
    signal.throwIfAborted();
    try {
      const { items } = await listAgents(client, {}, 1_000);
      const there = new Set(items.map(({ queue, instance }) => `${queue} ${instance}`));
      const absent = expected.filter(({ queue, instance }) => !there.has(`${queue} ${instance()}`));
      if (absent.length === 0) return;
      missing = absent.map(({ name }) => name).join(', ');
    } catch (error) {
      if (!(error instanceof CommandError) || error.exit !== exits.unavailable) throw error;
      missing = 'the coordinator';
    }
    const waited = Date.now() - began;
    if (waited > withinMs) {
      throw new CommandError(exits.failed, `Not ready within ${withinMs / 1_000} s: ${missing} does not answer.`, {
        code: 'unavailable',
        hint: 'The logs in the data directory say why.',
      });
    }
    if (waited > sayAfterMs && !said) onSlow(missing);
    said ||= waited > sayAfterMs;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
