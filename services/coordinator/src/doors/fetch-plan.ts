// A plan that travels beside its submission: fetched, checked, and kept as the task's own, since an upload may be overwritten or removed.
import { createHash } from 'node:crypto';
import { decode } from '@capstan/bus';
import { limits, type Plan, plan as planSchema, type Submission } from '@capstan/contracts';
import type { World } from '../world.ts';
import { objectKey, objectRef } from './plan-ref.ts';
import { fieldsOf, firstIssue, Refusal } from './refusal.ts';

export interface FetchedPlan {
  readonly plan: Plan;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

export const fetchPlan = async (world: World, given: NonNullable<Submission['plan_ref']>): Promise<FetchedPlan> => {
  const key = objectKey(world.names, given.ref);
  if (key === null) throw refused(`must begin with "${world.names.buckets.artifacts}/"`);
  const objects = world.bus.objects(world.names.buckets.artifacts);
  const info = await objects.info(key);
  if (info === null) throw refused('names nothing in the object store');
  if (info.size > limits.planBytesMax)
    throw new Refusal('too_large', `The plan has ${info.size} bytes; at most ${limits.planBytesMax} are taken.`, {
      fields: [{ path: 'plan_ref.ref', issue: 'is too large' }],
    });
  const bytes = await objects.get(key);
  if (bytes === null) throw refused('names nothing in the object store');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (given.sha256 !== undefined && given.sha256.toLowerCase() !== sha256)
    throw new Refusal('invalid', 'The plan in the object store is not the one that was meant.', {
      fields: [{ path: 'plan_ref.sha256', issue: `is ${sha256} in the object store` }],
    });
  const decoded = decode(bytes, { bytesMax: limits.planBytesMax });
  if (!decoded.ok)
    throw new Refusal('invalid', `The plan in the object store: ${decoded.message}`, {
      fields: [{ path: 'plan_ref.ref', issue: decoded.reason }],
    });
  mustBeCountable(decoded.value);
  const parsed = planSchema.safeParse(decoded.value);
  if (!parsed.success) {
    const fields = fieldsOf(parsed.error.issues).map((field) => ({ ...field, path: `plan.${field.path}` }));
    throw new Refusal('invalid', firstIssue(fields), { fields });
  }
  return { plan: parsed.data, bytes, sha256 };
};

/** Counted before anything else is looked at: a plan of a million steps is refused at once. */
const mustBeCountable = (value: { readonly steps?: unknown }): void => {
  const steps = Array.isArray(value.steps) ? value.steps.length : 0;
  if (steps > limits.planStepsMax)
    throw new Refusal('too_large', `The plan has ${steps} steps; at most ${limits.planStepsMax} are taken.`, {
      fields: [{ path: 'plan.steps', issue: `has ${steps} steps; at most ${limits.planStepsMax} are taken` }],
    });
};

const refused = (issue: string): Refusal =>
  new Refusal('invalid', `plan_ref.ref ${issue}.`, { fields: [{ path: 'plan_ref.ref', issue }] });

export const keepPlan = async (
  world: World,
  task: string,
  found: FetchedPlan,
): Promise<{ ref: string; sha256: string }> => {
  const key = `${task}/_plan/${found.sha256}.json`;
  const objects = world.bus.objects(world.names.buckets.artifacts);
  if ((await objects.info(key)) === null) await objects.put(key, found.bytes);
  return { ref: objectRef(world.names, key), sha256: found.sha256 };
};
