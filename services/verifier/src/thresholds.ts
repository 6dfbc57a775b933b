// Thresholds of several repositories that are verified together: the sternest of each.
import type { Thresholds } from '@capstan/contracts';
import { severities } from './severity.ts';

const sternness = ['warn', 'ask', 'abort'] as const;
type Act = (typeof sternness)[number];

export const strictest = (some: Thresholds | undefined, more: Thresholds | undefined): Thresholds | undefined => {
  if (some === undefined || more === undefined) return some ?? more;
  const all: Thresholds = { over: {} };
  for (const severity of severities) {
    const limit = `max_${severity}` as const;
    const limits = [some, more].flatMap((one) => one[limit] ?? []);
    if (limits.length > 0) all[limit] = Math.min(...limits);
    const acts = [some, more].filter((one) => one[limit] !== undefined).map((one) => actOf(one, severity));
    const act = sternness.findLast((one) => acts.includes(one));
    if (act !== undefined && typeof all.over === 'object') all.over[severity] = act;
  }
  return all;
};

const actOf = ({ over }: Thresholds, severity: (typeof severities)[number]): Act =>
  (typeof over === 'object' ? over[severity] : over) ?? 'ask';
