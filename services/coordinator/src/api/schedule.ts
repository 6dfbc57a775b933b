// Schedules: put under a name, listed with when they are due next and what came of the last times, deleted.
import { actorId, limits, schedule, scheduleAsk, scheduleList, timeMs } from '@capstan/contracts';
import type { ScheduleState } from '@capstan/engine';
import { nextAfter, timingIssue } from '../actors/cron.ts';
import { sayOfActor } from '../actors/say.ts';
import { covers, loadActors, mustBeReadable } from '../actors/store.ts';
import { mustGoOn } from './standing-still.ts';
import { readBody } from '../doors/read-body.ts';
import { firstIssue, Refusal } from '../doors/refusal.ts';
import type { World } from '../world.ts';
import { type Endpoint, endpoint, pageOf } from './endpoint.ts';

const when = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** Answered once it is stored what came of it. */
const tell = async (world: World, name: string, what: string, body: object): Promise<void> => {
  const id = actorId('schedule', name);
  await mustGoOn(world, id, `Schedule "${name}"`);
  const { seq } = await sayOfActor(world, id, [what, world.newId()], body);
  await covers(world, id, seq);
  await mustGoOn(world, id, `Schedule "${name}"`);
};

const put = endpoint('schedule', 'put', async ({ world }, data) => {
  const { value: asked } = readBody(data, schedule);
  const { v: _, by, ...spec } = asked;
  const issue = timingIssue(spec);
  if (issue !== null) throw new Refusal('invalid', firstIssue([issue]), { fields: [issue] });
  if (spec.at !== undefined && timeMs(spec.at) < world.clock.now() - limits.requestTimeoutMs)
    throw new Refusal('invalid', 'at has passed already.', { fields: [{ path: 'at', issue: 'has passed already' }] });
  const { task } = spec;
  const goals = (['plan', 'plan_ref', 'template', 'title'] as const).filter((name) => task[name] !== undefined);
  if (goals.length === 0)
    throw new Refusal('invalid', 'The task of the schedule has nothing to do.', {
      fields: [{ path: 'task', issue: 'needs a plan, a plan_ref, a template, or a title to plan from' }],
    });
  const by_ = typeof by === 'string' ? by : 'somebody';
  await tell(world, spec.name, 'put', { spec, by: by_ });
  return { name: spec.name, next_at: spec.paused === true ? null : when(nextAfter(spec, world.clock.now())) };
});

const shown = (state: ScheduleState) => {
  const spec = state.spec ?? {};
  return {
    ...spec,
    by: state.by,
    next_at: spec['paused'] === true ? null : when(nextAfter(spec, state.after)),
    started: state.started,
    running: state.running,
    queued: state.queued.map(when),
    recent: state.recent.map(({ due, outcome, task, why }) => ({
      due: when(due),
      outcome,
      task_id: task,
      reason: why,
    })),
  };
};

const known = async (world: World): Promise<ScheduleState[]> =>
  mustBeReadable(world, await loadActors(world, { kind: 'schedule' }))
    .map(({ state }) => state as ScheduleState)
    .filter(({ spec }) => spec !== null)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

const list = endpoint('schedule', 'list', async ({ world }, data) => {
  const { value: asked } = readBody(data, scheduleList);
  const all = (await known(world)).filter(({ name }) => asked.name === undefined || asked.name === name);
  const { items, cursor } = pageOf(all, ({ name }) => name, asked);
  return { schedules: items.map(shown), cursor, total: all.length };
});

const remove = endpoint('schedule', 'delete', async ({ world }, data) => {
  const { value: asked } = readBody(data, scheduleAsk);
  const state = (await known(world)).find(({ name }) => name === asked.name);
  if (state === undefined)
    throw new Refusal('not_found', `There is no schedule "${asked.name}".`, {
      hint: 'capstan schedule ls shows those that there are.',
    });
  await tell(world, asked.name, 'deleted', { by: asked.by ?? 'somebody' });
  return { name: asked.name, deleted: true, running: state.running };
});

export const scheduleEndpoints: readonly Endpoint[] = [put, list, remove];
