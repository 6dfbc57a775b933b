// What verifications of a task found, read from the reports in its log, and which of it somebody has dealt with.
import { type Finding, finding as findingSchema, type TaskRecord } from '@capstan/contracts';
import { findingId } from '@capstan/engine';
import { bodyOf, genuineOf } from './api/read-events.ts';
import type { World } from './world.ts';

export interface FoundFinding extends Finding {
  readonly id: string;
  readonly task_id: string;
  readonly step_id: string;
  readonly attempt: number;
  /** How often it was found: by each attempt that found it again. */
  readonly times: number;
  readonly at: string;
  readonly resolved: Resolution | null;
}

export interface Resolution {
  readonly by: string;
  readonly reason: string | null;
  readonly at: string;
}

/** The kind of the event that says so, and what it is about. */
export const resolvedName = (id: string): string[] => ['told', 'resolved', id];

/** The same finding in two attempts, or with the same fingerprint in two steps, is one: with the attempt that found it last. */
export const findingsOf = async (world: World, record: TaskRecord, key: string): Promise<FoundFinding[]> => {
  const found = new Map<string, FoundFinding>();
  const resolutions = new Map<string, Resolution>();
  for (const heard of await genuineOf(world, record.task_id, key)) {
    const at = new Date(heard.message.at).toISOString();
    const body = bodyOf(heard.message) as Record<string, unknown> | null;
    if (heard.kind === 'told' && heard.name[0] === 'resolved') {
      const reason = typeof body?.['reason'] === 'string' ? body['reason'] : null;
      resolutions.set(heard.name[1] ?? '', { by: String(body?.['by']), reason, at });
    }
    const findings = heard.kind === 'report' ? body?.['findings'] : undefined;
    if (!Array.isArray(findings)) continue;
    const [, step = '', attempt = ''] = heard.name;
    for (const said of findings) {
      const parsed = findingSchema.safeParse(said);
      if (!parsed.success) continue;
      const one = parsed.data;
      const id = findingId(record.task_id, step, one);
      const before = found.get(id);
      const where = { task_id: record.task_id, step_id: step, attempt: Number(attempt), at };
      found.set(id, { ...one, id, ...where, times: (before?.times ?? 0) + 1, resolved: null });
    }
  }
  return [...found.values()].map((one) => ({ ...one, resolved: resolutions.get(one.id) ?? null }));
};
