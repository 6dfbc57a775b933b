// How much a plan says of what its steps wait for. Each step's record repeats it, and a page of records must fit into one message.
import { type Field, limits, type Plan } from '@capstan/contracts';
import { pageSize } from '../paged.ts';
import { sizeOf } from './shape.ts';

/** Null where it fits. */
export const dependenciesIssue = (plan: Plan): Field | null => {
  let [slot, page] = [0, 0];
  for (const step of plan.steps) {
    const bytes = bytesOf(step.depends_on ?? []);
    for (let left = Math.max(1, sizeOf(step)); left > 0; left -= 1, slot += 1) {
      page = slot % pageSize === 0 ? bytes : page + bytes;
      if (page > limits.dependenciesPageBytesMax)
        return {
          path: 'plan.steps',
          issue: `has more than ${limits.dependenciesPageBytesMax} bytes of depends_on among ${pageSize} steps in a row, up to "${step.id}"; at most that many are taken. Let them wait for a phase or a family, which is one name`,
        };
    }
  }
  return null;
};

/** In JSON: a name with its quotes and its comma. */
const bytesOf = (names: readonly string[]): number => names.reduce((sum, name) => sum + Buffer.byteLength(name) + 3, 0);
