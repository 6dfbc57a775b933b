// What people may want to know, and who among them said so.
import { type Draft, idIn, specIn } from './draft.ts';

/** Notes that people may want to know; whether anybody does, the settings of the task say. */
export const tellPeople = (draft: Draft, event: string, text: string, slot: number | null = null): void => {
  // News of an errand would make an errand, whose news would make another.
  if (slot !== null && specIn(draft, slot).errand) return;
  if (channelsFor(draft, event).length > 0)
    draft.news.push({ event, text, step: slot === null ? null : idIn(draft, slot) });
};

export interface Channel {
  readonly channel: string;
  readonly to?: string | undefined;
}

export const channelsFor = (draft: Draft, event: string): Channel[] => {
  const { settings, request } = draft.task;
  const isEnding = endings.has(event);
  // How a sub-task ends is a matter of its parent, unless it was told to tell somebody itself.
  const rules = isEnding && draft.task.parent !== null ? [] : settings.notify;
  const chosen: Channel[] = rules.filter((rule) => rule.on.some((pattern) => matches(pattern, event)));
  if (request.callback_url !== undefined && isEnding) chosen.push({ channel: 'webhook', to: request.callback_url });
  return chosen;
};

/** What a callback is told of. */
export const endings = new Set(['task.succeeded', 'task.failed', 'task.cancelled']);

const matches = (pattern: string, event: string): boolean =>
  pattern === '*' || pattern === event || (pattern.endsWith('.*') && event.startsWith(pattern.slice(0, -1)));
