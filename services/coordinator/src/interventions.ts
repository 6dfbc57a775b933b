// What waits for a person, as the bucket has it.
import { type Entry, textOf } from '@capstan/bus';
import { type Intervention, intervention as interventionSchema } from '@capstan/contracts';

/** Null for what is not there, and for what somebody else put into the bucket. */
export const interventionIn = (entry: Entry | null): Intervention | null => {
  if (entry === null || entry.gone) return null;
  try {
    const parsed = interventionSchema.safeParse(JSON.parse(textOf(entry.data)));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
};
