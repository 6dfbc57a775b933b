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
  fingerprint: z
    .string()
    .describe('Of what would change, with the values that it would get: given to pulumi.up, only that is applied'),
  summary: z.string().describe('For whoever decides'),
});
export type Plan = z.output<typeof plan>;

const state = z.looseObject({ inputs: z.record(z.string(), z.unknown()).nullish() }).nullish();

/** As the CLI prints it, as far as it is read here. What is secret is "[secret]" in it, and what isn't known yet always the same. */
const digest = z.looseObject({
  steps: z
    .array(
      z.looseObject({
        op: z.string(),
        urn: z.string(),
        diffReasons: z.array(z.string()).nullish(),
        replaceReasons: z.array(z.string()).nullish(),
        detailedDiff: z.record(z.string(), z.unknown()).nullish(),
        oldState: state,
        newState: state,
      }),
    )
    .default([]),
  diagnostics: z.array(z.looseObject({ severity: z.string().optional(), message: z.string().optional() })).nullish(),
  changeSummary: z.record(z.string(), z.int()).nullish(),
});

const stepsShown = 200;

export const previewOf = async (asked: StackAsked, context: ToolContext): Promise<Plan> => {
  const printed = await pulumi(['preview', '--json', ...configArgs(asked)], asked, context, errorsIn);
  const read = readPlan(asked.stack, printed);
  if (read === null)
    throw new Stopped(
      reject(
        'pulumi_unreadable',
        'pulumi preview --json printed something that is not what it is documented to print.',
      ),
    );
  const { plan: seen, all } = read;
  await context.artifact(
    'pulumi-changes.json',
    JSON.stringify({ stack: asked.stack, changes: seen.changes, steps: all }, null, 2),
  );
  return seen;
};

type Change = z.output<typeof change>;

/** Null where it can't be read. */
export const readPlan = (stack: string, printed: string): { plan: Plan; all: readonly Change[] } | null => {
  const parsed = digest.safeParse(jsonIn(printed));
  if (!parsed.success) return null;
  const { diagnostics, changeSummary } = parsed.data;
  const steps = parsed.data.steps.filter(({ op }) => op !== 'same');
  const all = steps.map(changeOf);
  const changes = changeSummary ?? {};
  return {
    all,
    plan: {
      stack,
      changes,
      steps: all.slice(0, stepsShown),
      destructive: all.some(({ op }) => /delete|replace/.test(op)),
      diagnostics: (diagnostics ?? [])
        .map(({ severity = 'info', message = '' }) => ({ severity, message: bare(message) }))
        .slice(0, 50),
      fingerprint: fingerprintOf(steps),
      summary: summaryOf(stack, changes, all),
    },
  };
};

type Step = z.output<typeof digest>['steps'][number];

const changeOf = (step: Step): Change => {
  // urn:pulumi:<stack>::<project>::<parents$type>::<name>
  const [type = '', name = ''] = step.urn.split('::').slice(2);
  return { op: step.op, urn: step.urn, type: type.split('$').at(-1) ?? type, name, properties: differing(step) };
};

/** As the provider says; many say nothing, and then it is what was given to them before, and what would be now. */
const differing = ({ op, diffReasons, replaceReasons, detailedDiff, oldState, newState }: Step): string[] => {
  const said = new Set([...(diffReasons ?? []), ...(replaceReasons ?? []), ...Object.keys(detailedDiff ?? {})]);
  const [before, after] = [oldState?.inputs ?? {}, newState?.inputs ?? {}];
  if (said.size > 0 || !oldState || !newState || op === 'read' || op === 'refresh') return [...said];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => !key.startsWith('__') && JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
};

/** Values count, though they are not shown: another value in the same place is not what was approved. */
const fingerprintOf = (steps: readonly Step[]): string => {
  const lines = steps.map((step) =>
    JSON.stringify([step.urn, step.op, differing(step), step.newState?.inputs ?? null]),
  );
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex');
};

const summaryOf = (stack: string, changes: Readonly<Record<string, number>>, all: readonly Change[]): string => {
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
    .map(({ message }) => bare(message ?? ''));
  return errors && errors.length > 0 ? errors.join('\n') : null;
};

/** Newer versions say how bad it is a second time. */
const bare = (message: string): string => message.trim().replace(/^(?:error|warning|info): /, '');

const jsonIn = (printed: string): unknown => {
  try {
    return JSON.parse(printed);
  } catch {
    return null;
  }
};
