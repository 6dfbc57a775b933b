// What a submission names instead of holding: settings by their hash, plans by their place in the object store.
import { decode, textOf } from '@capstan/bus';
import {
  type Event,
  limits,
  type Plan,
  plan as planSchema,
  type Settings,
  settings as settingsSchema,
  type SubmittedBody,
} from '@capstan/contracts';
import { objectKey } from './doors/plan-ref.ts';
import type { Heard } from './hear.ts';
import { askedInAnyTerm } from './say.ts';
import { submissionOf } from './submission-of.ts';
import type { World } from './world.ts';

export type SubmittedEvent = Extract<Event, { kind: 'submitted' }>;

export interface References {
  /** Stores settings under their hash, so that tasks can name them. */
  keep(hash: string, settings: Settings): Promise<void>;
  /** The event, at once where everything it names is at hand. */
  resolve(heard: Heard, body: SubmittedBody): SubmittedEvent | Promise<SubmittedEvent>;
}

const settingsKey = (hash: string): string => `_settings.${hash}`;

export const references = (world: World): References => {
  const known = new Map<string, Settings>();
  const store = world.bus.store(world.names.buckets.tasks);

  const settingsNamed = async (hash: string, task: string): Promise<Settings> => {
    const at = known.get(hash);
    if (at !== undefined) return at;
    const loaded = await storedSettings(world, hash, task);
    known.set(hash, loaded);
    return loaded;
  };

  const load = async (heard: Heard, body: SubmittedBody): Promise<SubmittedEvent> => {
    const settings = await settingsNamed(body.settings, heard.task);
    return eventOf(
      heard,
      body,
      settings,
      body.plan_ref === undefined ? (body.plan ?? null) : await planAt(world, body.plan_ref.ref),
    );
  };

  return {
    keep: async (hash, settings) => {
      if ((await store.get(settingsKey(hash))) === null)
        await store.set({ key: settingsKey(hash), data: JSON.stringify(settings), expect: null });
      known.set(hash, settings);
    },
    resolve: (heard, body) => {
      const settings = known.get(body.settings);
      return settings !== undefined && body.plan_ref === undefined
        ? eventOf(heard, body, settings, body.plan ?? null)
        : askedInAnyTerm(world, () => load(heard, body));
    },
  };
};

const storedSettings = async (world: World, hash: string, task: string): Promise<Settings> => {
  const entry = await world.bus.store(world.names.buckets.tasks).get(settingsKey(hash));
  if (entry === null) throw new Error(`the settings ${hash} of task ${task} are not stored`);
  return settingsSchema.parse(JSON.parse(textOf(entry.data)));
};

/** Those that a task began with, whoever owns it; null where there is no such task. */
export const settingsOf = async (world: World, task: string): Promise<Settings | null> => {
  const began = await submissionOf(world, task);
  return began === null ? null : storedSettings(world, began.body.settings, task);
};

const planAt = async (world: World, ref: string): Promise<Plan> => {
  const key = objectKey(world.names, ref);
  const bytes = key === null ? null : await world.bus.objects(world.names.buckets.artifacts).get(key);
  if (bytes === null) throw new Error(`the plan ${ref} is not stored`);
  const decoded = decode(bytes, { bytesMax: limits.planBytesMax });
  if (!decoded.ok) throw new Error(`the plan ${ref} is ${decoded.reason}: ${decoded.message}`);
  return planSchema.parse(decoded.value);
};

const eventOf = (heard: Heard, body: SubmittedBody, settings: Settings, plan: Plan | null): SubmittedEvent => ({
  kind: 'submitted',
  seq: heard.message.seq,
  at: heard.message.at,
  taskId: heard.task,
  request: body.request,
  plan,
  planHash: plan === null ? null : body.hash,
  settings,
  routes: body.routes,
  body,
});
