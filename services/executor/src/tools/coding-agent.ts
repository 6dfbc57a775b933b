// A coding agent without a head: a CLI such as copilot, cline, codex or claude, that the configuration knows as a command. It works in the
// sandbox; what it changed is captured, held to rules and checked by commands, whatever it says of itself.
import { done, type Outcome, reject, retry, Stopped } from '@capstan/kit';
import type { Workspace } from '@capstan/sandbox';
import { z } from 'zod';
import { argument } from '../command.ts';
import { runChecks } from '../coding/checks.ts';
import { problemsOf, rules } from '../coding/rules.ts';
import { type Changes, type Snapshot, snapshot } from '../coding/snapshot.ts';
import type { CodingAgent } from '../settings.ts';
import { defineTool, type ToolContext } from '../tool.ts';

const check = z.looseObject({
  command: z.array(argument).min(1).max(1_000),
  timeout_ms: z.int().min(1).max(3_600_000).default(600_000),
});

const common = {
  path: z.string().min(1).max(1_024).default('.').describe('Of the code, in the workspace'),
  rules: rules.prefault({}),
  checks: z.array(check).max(20).default([]).describe('Commands that must end with 0 once it is done'),
};
const working = {
  prompt: z.string().min(1).max(1_000_000).describe('What is to be done'),
  agent: z.string().optional().describe('A name from executor.coding_agents; the only one where absent'),
  timeout_ms: z.int().min(1).max(86_400_000).optional(),
  ...common,
};

const suggest = z.looseObject({ action: z.literal('suggest_changes'), ...working });
const execute = z.looseObject({ action: z.literal('execute_edits'), ...working });
const validate = z.looseObject({
  action: z.literal('validate_output'),
  patch: z
    .string()
    .min(1)
    .optional()
    .describe('Applied for the checks, and taken back; what is in the workspace is checked where absent'),
  ...common,
});

type Common = z.output<typeof validate>;
type Working = z.output<typeof execute> | z.output<typeof suggest>;

const checked = z.strictObject({ command: z.string(), exit_code: z.int(), tail: z.string() });

export const codingAgent = defineTool({
  name: 'coding-agent',
  description: 'Lets a coding CLI suggest or make changes in the workspace, and validates what it changed.',
  input: z.discriminatedUnion('action', [suggest, execute, validate]),
  output: z.strictObject({
    valid: z.boolean(),
    problems: z.array(z.string()),
    checks: z.array(checked),
    files: z.array(z.strictObject({ path: z.string(), added: z.int(), removed: z.int(), binary: z.boolean() })),
    patch: z.string().describe('Up to 64 KiB; all of it is the artifact changes.patch'),
    applied: z.boolean().describe('Whether the changes are in the workspace now'),
    said: z.string().optional().describe('The end of what the agent printed'),
  }),
  risk: 'medium',
  needs: { sandbox: true, programs: ['git', 'the coding CLI'], egress: ['*'], secrets: ['what the coding CLI wants'] },
  run: async (asked, context) => {
    const workspace = await context.sandbox.open(context.order, context);
    try {
      return asked.action === 'validate_output'
        ? await validated(asked, workspace, context)
        : await worked(asked, workspace, context);
    } finally {
      workspace.release();
    }
  },
});

const worked = async (asked: Working, workspace: Workspace, context: ToolContext): Promise<Outcome> => {
  const before = await snapshot(workspace, asked.path, context.order.step_id);
  try {
    return await held(asked, before, workspace, context);
  } catch (error) {
    // What it left in its hurry would be what the next attempt begins with.
    await takenBack(before, context);
    throw error;
  }
};

/** Also where this attempt is given up, and nothing more runs in its own name. */
const takenBack = async (before: Snapshot, context: ToolContext): Promise<void> => {
  if (!context.signal.aborted) return before.restore();
  const { log, order, sandbox } = context;
  const workspace = await sandbox.open(order, {
    signal: AbortSignal.timeout(restoreMs),
    log,
    output: (...printed) => context.output(...printed),
    masked: (text) => context.masked(text),
    progress: (...said) => context.progress(...said),
  });
  try {
    await before.restore(workspace);
  } finally {
    workspace.release();
  }
};

const restoreMs = 60_000;

const held = async (asked: Working, before: Snapshot, workspace: Workspace, context: ToolContext): Promise<Outcome> => {
  const said = await letWork(asked, workspace, context);
  const changes = await before.changes();
  if (changes.patch !== '') await context.artifact('changes.patch', changes.patch);
  const problems = problemsOf(changes.files, asked.rules);
  // What breaks the rules is not run: a test that it has changed would be run by the checks.
  const checks = problems.length > 0 ? [] : await runChecks(asked.checks, asked.path, workspace);
  const failed = checks.filter(({ exit_code: code }) => code !== 0);
  const valid = problems.length === 0 && failed.length === 0;
  const keep = asked.action === 'execute_edits' && valid;
  if (!keep) await before.restore();
  const output = outputOf({ changes, problems, checks, applied: keep, said: context.masked(said) });
  if (problems.length > 0)
    return retry('edits_refused', `The changes were taken back: ${problems.slice(0, 5).join('; ')}.`, { output });
  if (failed[0])
    return retry(
      'checks_failed',
      `The changes were taken back: "${failed[0].command}" ended with ${failed[0].exit_code}: ${failed[0].tail.slice(-500)}`,
      { output },
    );
  if (changes.files.length === 0) return retry('no_changes', 'The coding agent changed nothing.', { output });
  return done(output);
};

const validated = async (asked: Common, workspace: Workspace, context: ToolContext): Promise<Outcome> => {
  const { patch } = asked;
  if (patch === undefined) {
    const checks = await runChecks(asked.checks, asked.path, workspace);
    return done(outputOf({ changes: { patch: '', files: [] }, problems: [], checks, applied: false }));
  }
  const before = await snapshot(workspace, asked.path, context.order.step_id);
  try {
    const applied = await workspace.run({
      argv: ['git', 'apply', '--whitespace=nowarn', '-'],
      cwd: asked.path,
      stdin: patch,
      egress: [],
      output: false,
    });
    if (applied.exitCode !== 0)
      return reject('patch_failed', `patch: does not fit what is there: ${applied.stderr.trim().slice(-500)}`);
    const changes = await before.changes();
    const problems = problemsOf(changes.files, asked.rules);
    const checks = problems.length > 0 ? [] : await runChecks(asked.checks, asked.path, workspace);
    return done(outputOf({ changes, problems, checks, applied: false }));
  } finally {
    await takenBack(before, context);
  }
};

const patchBytesMax = 65_536;

const outputOf = ({
  changes,
  problems,
  checks,
  applied,
  said,
}: {
  changes: Changes;
  problems: string[];
  checks: z.output<typeof checked>[];
  applied: boolean;
  said?: string;
}) => ({
  valid: problems.length === 0 && checks.every(({ exit_code: code }) => code === 0),
  problems,
  checks,
  files: [...changes.files],
  patch: Buffer.from(changes.patch).subarray(0, patchBytesMax).toString('utf8'),
  applied,
  ...(said === undefined ? {} : { said }),
});

const letWork = async (asked: Working, workspace: Workspace, context: ToolContext): Promise<string> => {
  const { command, env, egress, image, timeout_ms: limit } = agentOf(asked.agent, context);
  const prompt = promptOf(asked, context);
  const given = (await context.resolve(env)) as Record<string, string>;
  for (const value of Object.values(given)) context.secret(value);
  const [program, ...args] = command.map((part) => part.replaceAll('{prompt}', () => prompt)) as [string, ...string[]];
  const { exitCode, timedOut, stdout, stderr } = await workspace.run({
    argv: [program, ...args],
    cwd: asked.path,
    env: given,
    // Where the command has no place for it, it is read from the input.
    ...(command.some((part) => part.includes('{prompt}')) ? {} : { stdin: prompt }),
    ...(egress === undefined ? {} : { egress }),
    ...(image === undefined ? {} : { image }),
    timeoutMs: asked.timeout_ms ?? limit,
    tailBytes: 8_000,
  });
  if (timedOut) throw new Stopped(retry('agent_timeout', `The coding agent "${program}" was not through in its time.`));
  if (exitCode !== 0)
    throw new Stopped(
      retry(
        'agent_failed',
        `The coding agent "${program}" ended with ${exitCode ?? 'a signal'}: ${(stderr || stdout).trim().slice(-500)}`,
      ),
    );
  return stdout;
};

const promptOf = ({ prompt, rules: { allow, deny } }: Working, { order }: ToolContext): string => {
  const failure = order.last_failure ? `\n\nThe last attempt was not accepted: ${order.last_failure.message}` : '';
  return `${prompt}\n\nChange only files that match ${allow.join(', ')}, and none that match ${deny.join(', ')}. Do not commit.${failure}`;
};

const agentOf = (name: string | undefined, { config }: ToolContext): CodingAgent => {
  const agents = config.own.coding_agents;
  const names = Object.keys(agents);
  const chosen = name ?? (names.length === 1 ? names[0] : undefined);
  const found = chosen === undefined ? undefined : agents[chosen];
  if (found) return found;
  const which = name === undefined ? 'agent: is not said' : `agent: there is no "${name}"`;
  throw new Stopped(
    reject(
      'agent_unknown',
      `${which}; executor.coding_agents has ${names.join(', ') || 'none'}. docs/tools.md shows how to add one.`,
    ),
  );
};
