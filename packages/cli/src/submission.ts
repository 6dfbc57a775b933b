// Puts a submission together: what a file says, under what the options say. The door judges it; here only what can't be sent is refused.
import { createHash, randomBytes } from 'node:crypto';
import { limits, type Submission } from '@capstan/contracts';
import type { Client } from './client.ts';
import { mistake } from './exit.ts';

/** Leaves room in the body for all the rest. */
const inlineBytesMax = limits.bodyBytesMax / 2;

/** A file may hold a submission, or only a plan. */
export const submissionOf = (
  file: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> => {
  const base = Array.isArray(file['steps']) && !('plan' in file) ? { plan: file } : file;
  const whole: Record<string, unknown> = {
    ...base,
    ...Object.fromEntries(Object.entries(over).filter(([, value]) => value !== undefined)),
  };
  if (!('plan' in whole || 'plan_ref' in whole || 'template' in whole || 'title' in whole)) {
    throw mistake(
      'There is nothing to submit.',
      'Give a FILE, --plan, --template or --title; `capstan submit --help` has examples.',
    );
  }
  // Named here, so that a submission whose answer was lost can be said again without making a second task.
  return 'task_id' in whole ? whole : { task_id: madeUpId(whole['title']), ...whole };
};

/** Readable: the beginning of the title, and enough chance to be the only one. */
const madeUpId = (title: unknown): string => {
  const stem =
    typeof title === 'string'
      ? title
          .toLowerCase()
          .replaceAll(/[^a-z0-9]+/g, '-')
          .replaceAll(/^-+|-+$/g, '')
          .slice(0, 32)
          .replace(/-+$/, '')
      : '';
  return `${stem || 'task'}-${randomBytes(5).toString('hex')}`;
};

/** A plan that is too large to travel inside is stored beside it, under the hash of its bytes. */
export const uploadPlan = async (
  client: Client,
  whole: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> => {
  if (!('plan' in whole)) return whole;
  const { plan, ...rest } = whole;
  const bytes = Buffer.from(JSON.stringify(plan));
  if (bytes.length <= inlineBytesMax) return whole;
  if (bytes.length > limits.planBytesMax) {
    throw mistake(
      `The plan has ${bytes.length} bytes; at most ${limits.planBytesMax} are taken.`,
      'Say equal steps once, with "each", or split it into sub-tasks.',
    );
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const name = `uploads/${sha256}.json`;
  const bucket = client.names.buckets.artifacts;
  const objects = client.bus.objects(bucket);
  if (!(await objects.info(name))) await objects.put(name, bytes);
  return { ...rest, plan_ref: { ref: `${bucket}/${name}`, sha256 } satisfies Submission['plan_ref'] };
};
