// The quota of open tasks, at the door: beyond it a task is refused where that is configured. Else it waits as "queued", up to a bound.
import { actorId, type Submission } from '@capstan/contracts';
import { quotasOf, type TenantState } from '@capstan/engine';
import { loadActor } from '../actors/store.ts';
import { submissionOf } from '../submission-of.ts';
import type { World } from '../world.ts';
import { Refusal } from './refusal.ts';

/** A tenant's record names each task that waits, so their number must have an end. */
const waitingMax = 5_000;

/** As the tenant stands, give or take a moment: whatever comes through in it waits as queued, and the quota holds. */
export const mustHaveQuota = async (world: World, task: string, said: Submission): Promise<void> => {
  const { quotas } = world.settings;
  if (quotas === undefined) return;
  const most = quotasOf(world.settings, said);
  if (most.tenant.open_tasks === undefined && most.requester.open_tasks === undefined) return;
  const tenant = said.tenant ?? 'default';
  const found = await loadActor(world, actorId('tenant', tenant));
  // What only a newer coordinator can read it will count: here nobody is refused for it.
  if (found === null || found.rules > world.rules) return;
  const { open, waiting } = found.state as TenantState;
  const text = excess(quotas.over === 'refuse', open, waiting, most, said);
  // Whoever sends the same task again is told how it stands, whatever the quota is by now.
  if (text === null || (await submissionOf(world, task)) !== null) return;
  throw new Refusal('quota', `Tenant "${tenant}" ${text}.`, {
    hint: 'Send it again once some of them have ended, or have the quota raised.',
  });
};

const excess = (
  refuses: boolean,
  open: TenantState['open'],
  waiting: TenantState['waiting'],
  most: ReturnType<typeof quotasOf>,
  { requester = '' }: Submission,
): string | null => {
  if (waiting.length >= waitingMax) return `has ${waiting.length} tasks that wait for room, and no more may wait`;
  if (!refuses) return null;
  const all = Object.keys(open).length + waiting.length;
  if (all >= (most.tenant.open_tasks ?? Infinity))
    return `has ${all} open tasks; its quota is ${most.tenant.open_tasks}`;
  const own =
    Object.values(open).filter((name) => name === requester).length +
    waiting.filter((wish) => wish.requester === requester).length;
  return own >= (most.requester.open_tasks ?? Infinity)
    ? `has ${own} open tasks of requester "${requester}"; the quota is ${most.requester.open_tasks}`
    : null;
};
