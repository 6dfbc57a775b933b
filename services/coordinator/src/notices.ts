// Tells whoever watches what has changed: at once, stored nowhere, for nobody to rely on.
import { iso } from '@capstan/engine';
import type { Actor } from './actor.ts';
import type { World } from './world.ts';

/** A step's, or, where that is null, the task's own. There are two for every step that runs, so they are put together by hand. */
export const tellChange = (world: World, actor: Actor, step: string | null, status: string): void => {
  const { bus, names } = world;
  const { state, id } = actor;
  const tenant = state.request.tenant ?? 'default';
  const at = iso(state.at);
  if (step !== null) {
    // Ids and statuses have no letter that JSON would have to hide.
    const text = `{"v":1,"task_id":"${id}","step_id":"${step}","status":"${status}","at":"${at}"}`;
    return bus.tell(names.stepNotice(tenant, id, step, status), text);
  }
  const { reason, counts } = state;
  const title = state.request.title ?? id;
  bus.tell(
    names.notice(tenant, id, status),
    JSON.stringify({ v: 1, task_id: id, title, tenant, status, reason, counts, at }),
  );
};
