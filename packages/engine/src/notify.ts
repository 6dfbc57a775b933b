// Telling people: an errand is a step that runs beside the task, with retries and dead letters like any other, so that no news is lost.
import type { Json, Step } from '@capstan/contracts';
import { type Draft, idIn, specIn } from './draft.ts';
import { addSteps } from './grow.ts';
import { errandPrefix } from './plan/shape.ts';

/** Notes that people may want to know; whether anybody does, the settings of the task say. */
export const tellPeople = (draft: Draft, event: string, text: string, slot: number | null = null): void => {
  // News of an errand would make an errand, whose news would make another.
  if (slot !== null && specIn(draft, slot).errand) return;
  if (channelsFor(draft, event).length > 0)
    draft.news.push({ event, text, step: slot === null ? null : idIn(draft, slot) });
};

interface Channel {
  readonly channel: string;
  readonly to?: string | undefined;
}

const channelsFor = (draft: Draft, event: string): Channel[] => {
  const { settings, request } = draft.task;
  const chosen: Channel[] = settings.notify.filter((rule) => rule.on.some((pattern) => matches(pattern, event)));
  if (request.callback_url !== undefined && endings.has(event))
    chosen.push({ channel: 'webhook', to: request.callback_url });
  return chosen;
};

/** What a callback is told of. */
const endings = new Set(['task.succeeded', 'task.failed', 'task.cancelled']);

const matches = (pattern: string, event: string): boolean =>
  pattern === '*' || pattern === event || (pattern.endsWith('.*') && event.startsWith(pattern.slice(0, -1)));

/** Makes errands of the news. False where there is none. */
export const sendErrands = (draft: Draft): boolean => {
  if (draft.news.length === 0) return false;
  const { task } = draft;
  const before = task.shape.specs.filter((spec) => spec.errand).length;
  const steps = draft.news
    .splice(0)
    .flatMap((news) => channelsFor(draft, news.event).map((channel) => ({ news, channel })));
  addSteps(
    draft,
    steps.map(({ news, channel }, at): Step => {
      const id = `${errandPrefix}${before + at + 1}`;
      const input: Record<string, Json> = {
        event: news.event,
        channel: channel.channel,
        subject: `${task.request.title ?? task.taskId}: ${news.event}`,
        text: news.text,
        key: `${task.taskId}.${id}`,
        task: {
          task_id: task.taskId,
          title: task.request.title ?? task.taskId,
          status: task.status,
          reason: task.reason,
          tenant: task.request.tenant ?? 'default',
        },
      };
      if (channel.to !== undefined) input['to'] = channel.to;
      if (news.step !== null) input['step_id'] = news.step;
      return { id, capability: 'notify', input, on_failure: 'skip', retry: { max_attempts: 8 } };
    }),
    'capstan',
  );
  return true;
};
