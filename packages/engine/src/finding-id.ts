// What names a finding of a task, so that the same one in two attempts is one, and can be said to be dealt with.
import type { Finding } from '@capstan/contracts';
import { sha256 } from './hash.ts';

/** By its fingerprint wherever in the task it is found again; without one by all that it says, in its step. */
export const findingId = (task: string, step: string, one: Finding): string => {
  const { category, fingerprint, location = '', message, rule = '', severity } = one;
  // Keys in this order: what was said to be dealt with is kept under the name that follows from it.
  const same =
    fingerprint === undefined
      ? `${step} ${JSON.stringify({ category, location, message, rule, severity })}`
      : `* ${fingerprint}`;
  return `f${sha256(`${task} ${same}`).slice(0, 19)}`;
};
