// Telling people: an errand is a step that runs beside the task, with retries and dead letters like any other, so that no news is lost.
import type { Json, Step } from '@capstan/contracts';
import type { Draft, News } from './draft.ts';
import { addSteps } from './grow.ts';
import { errandPrefix } from './plan/shape.ts';
import { type Channel, channelsFor, endings } from './tell.ts';

/** More are in the inbox; a record that held them all would not fit into a message. How a task ended is told in any case. */
const errandsMax = 500;
/** So many of one kind in one decision are named; the others are counted. */
const namedMax = 20;

/** Makes errands of the news: one for each channel and kind of news. False where there is none. */
export const sendErrands = (draft: Draft): boolean => {
  if (draft.news.length === 0) return false;
  const { shape } = draft.task;
  const before = shape.specs.reduce((count, spec) => count + Number(spec.errand), 0);
  const steps = gathered(draft)
    .filter(({ news }) => before < errandsMax || endings.has(news.event))
    .map((telling, at) => errand(draft, `${errandPrefix}${before + at + 1}`, telling));
  if (steps.length > 0) addSteps(draft, steps, 'capstan');
  return steps.length > 0;
};

interface Telling {
  readonly news: News;
  readonly channel: Channel;
  /** What else happened of this kind. */
  readonly more: string[];
}

const gathered = (draft: Draft): Telling[] => {
  const tellings = new Map<string, Telling>();
  for (const news of draft.news.splice(0)) {
    for (const channel of channelsFor(draft, news.event)) {
      const key = JSON.stringify([news.event, channel.channel, channel.to]);
      const known = tellings.get(key);
      if (known === undefined) tellings.set(key, { news, channel, more: [] });
      else known.more.push(news.text);
    }
  }
  return [...tellings.values()];
};

const errand = (draft: Draft, id: string, { news, channel, more }: Telling): Step => {
  const { task } = draft;
  const title = task.request.title ?? task.taskId;
  const rest = more.length >= namedMax ? [`… and ${more.length - namedMax + 1} more`] : [];
  const input: Record<string, Json> = {
    event: news.event,
    channel: channel.channel,
    subject: `${title}: ${news.event}${more.length > 0 ? ` (${more.length + 1})` : ''}`,
    text: [news.text, ...more.slice(0, namedMax - 1), ...rest].join('\n'),
    key: `${task.taskId}.${id}`,
    task: {
      task_id: task.taskId,
      title,
      status: task.status,
      reason: task.reason,
      tenant: task.request.tenant ?? 'default',
    },
  };
  if (channel.to !== undefined) input['to'] = channel.to;
  if (news.step !== null) input['step_id'] = news.step;
  return { id, capability: 'notify', input, on_failure: 'skip', retry: { max_attempts: 8 } };
};
