// What `pulumi preview --json` says would change, as a person decides on it, and as one number that says whether it is still the same.
import { createHash } from 'node:crypto';
import { reject, Stopped } from '@capstan/kit';
import { z } from 'zod';
import type { ToolContext } from '../tool.ts';
import { configArgs, pulumi, type StackAsked } from './cli.ts';

export const change = z.strictObject({
  op: z.string().describe('create, update, replace, delete, read, refresh, …'),
  urn: z.string(),
  type: z.string(),
  name: z.string(),
  properties: z.array(z.string()).describe('Those that differ; values may be secrets, and are left out'),
});

export const plan = z.strictObject({
  stack: z.string(),
  changes: z.record(z.string(), z.int()).describe('How many resources, by what happens to them'),
  steps: z.array(change).describe('Without what stays the same'),
  destructive: z.boolean().describe('Whether anything is deleted or replaced'),
  diagnostics: z.array(z.strictObject({ severity: z.string(), message: z.string() })),
  fingerprint: z.string().describe('Of what would change: given to pulumi.up, only that is applied'),
  summary: z.string().describe('For whoever decides'),
});
export type Plan = z.output<typeof plan>;

/** As the CLI prints it, as far as it is read here. */
const digest = z.looseObject({
  steps: z
    .array(
      z.looseObject({
        op: z.string(),
        urn: z.string(),
        diffReasons: z.array(z.string()).nullish(),
        replaceReasons: z.array(z.string()).nullish(),
        detailedDiff: z.record(z.string(), z.unknown()).nullish(),
      }),
    )
    .default([]),
  diagnostics: z.array(z.looseObject({ severity: z.string().optional(), message: z.string().optional() })).nullish(),
  changeSummary: z.record(z.string(), z.int()).nullish(),
});

const stepsShown = 200;

export const previewOf = async (asked: StackAsked, context: ToolContext): Promise<Plan> => {
  const printed = await pulumi(['preview', '--json', ...configArgs(asked)], asked, context, errorsIn);
  const parsed = digest.safeParse(jsonIn(printed));
  if (!parsed.success)
    throw new Stopped(
      reject(
        'pulumi_unreadable',
        'pulumi preview --json printed something that is not what it is documented to print.',
      ),
    );
  const { steps, diagnostics, changeSummary } = parsed.data;
  const all = steps
    .filter(({ op }) => op !== 'same')
    .map(({ op, urn, diffReasons, replaceReasons, detailedDiff }) => {
      // urn:pulumi:<stack>::<project>::<parents$type>::<name>
      const [type = '', name = ''] = urn.split('::').slice(2);
      const properties = new Set([
        ...(diffReasons ?? []),
        ...(replaceReasons ?? []),
        ...Object.keys(detailedDiff ?? {}),
      ]);
      return { op, urn, type: type.split('$').at(-1) ?? type, name, properties: [...properties] };
    });
  const fingerprint = createHash('sha256')
    .update(JSON.stringify(all.toSorted((a, b) => (`${a.urn}${a.op}` < `${b.urn}${b.op}` ? -1 : 1))))
    .digest('hex');
  await context.artifact(
    'pulumi-changes.json',
    JSON.stringify({ stack: asked.stack, changes: changeSummary ?? {}, steps: all }, null, 2),
  );
  const changes = changeSummary ?? {};
  return {
    stack: asked.stack,
    changes,
    steps: all.slice(0, stepsShown),
    destructive: all.some(({ op }) => /delete|replace/.test(op)),
    diagnostics: (diagnostics ?? [])
      .map(({ severity = 'info', message = '' }) => ({ severity, message: message.trim() }))
      .slice(0, 50),
    fingerprint,
    summary: summaryOf(asked.stack, changes, all),
  };
};

const summaryOf = (
  stack: string,
  changes: Readonly<Record<string, number>>,
  all: readonly z.output<typeof change>[],
): string => {
  const counts = Object.entries(changes)
    .filter(([op]) => op !== 'same')
    .map(([op, count]) => `${count} to ${op}`);
  const rows = all
    .slice(0, 50)
    .map(
      ({ op, type, name, properties }) =>
        `- ${op} ${type} ${name}${properties.length > 0 ? ` (${properties.join(', ')})` : ''}`,
    );
  const more = all.length > rows.length ? [`- and ${all.length - rows.length} more`] : [];
  return [
    `Stack ${stack}: ${counts.join(', ') || 'nothing changes'}; ${changes['same'] ?? 0} stay as they are.`,
    ...rows,
    ...more,
  ].join('\n');
};

/** The errors among its diagnostics, where it failed after all. */
const errorsIn = (printed: string): string | null => {
  const parsed = digest.safeParse(jsonIn(printed));
  const errors = parsed.data?.diagnostics
    ?.filter(({ severity }) => severity === 'error')
    .map(({ message }) => message?.trim() ?? '');
  return errors && errors.length > 0 ? errors.join('\n') : null;
};

const jsonIn = (printed: string): unknown => {
  try {
    return JSON.parse(printed);
  } catch {
    return null;
  }
};
