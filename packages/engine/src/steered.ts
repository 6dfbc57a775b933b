// A task that does a step of another one is held by it as well as on its own account: both must let go before it goes on.
import type { Event } from '@capstan/contracts';
import { type Draft, ignore } from './draft.ts';
import type { Hold } from './state.ts';

type Commanded = Extract<Event, { kind: 'commanded' }>;

/** The rules since which a task knows by whom it is held. */
const heldByBoth = 3;

/** What holds the task besides the one above it. */
export const ownHold = ({ task: { hold } }: Draft): Hold | null => (hold?.why === 'parent' ? null : hold);

/** Whether the task above it says so, rather than a person: `steer` in sub-task.ts gives such names, and no person's has a dash. */
export const isSteering = ({ task }: Draft, { id }: Commanded): boolean =>
  task.rules >= heldByBoth && task.parent !== null && /^p\d+-/.test(id);

export const holdFromAbove = (draft: Draft, event: Commanded): void => {
  const { task } = draft;
  if (task.ending !== null) return ignore(draft, 'The task is stopping; it starts nothing more.');
  if (!isNews(draft, event)) return;
  const above = `task ${task.parent?.task_id} to go on`;
  task.above = { why: 'parent', by: event.body.by, text: `${above}, which does no step just now`, spec: null };
  task.hold ??= task.above;
};

export const letGoFromAbove = (draft: Draft, event: Commanded): void => {
  const { task } = draft;
  if (!isNews(draft, event)) return;
  task.above = null;
  if (task.hold?.why !== 'parent') return;
  task.hold = null;
  draft.lifted = true;
};

/** Two words from above may come in the wrong order; the one that was said last counts. */
const isNews = (draft: Draft, { id }: Commanded): boolean => {
  const said = Number(/^p(\d+)-/.exec(id)?.[1] ?? 0);
  if (said <= draft.task.steered) ignore(draft, 'The task above has said something else since.');
  else draft.task.steered = said;
  return draft.ignored === null;
};
