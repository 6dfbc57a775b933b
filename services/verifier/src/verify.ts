// Runs every check, also after one has failed, so that whoever mends it sees all there is to mend.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Finding, Order } from '@capstan/contracts';
import {
  type AgentContext,
  commandEnvironment,
  type CommandResult,
  done,
  type Outcome,
  reject,
  type RunCommand,
  type Workspaces,
} from '@capstan/kit';
import { type Check, check, nameOf } from './check.ts';
import { findingsOf } from './verifiers/index.ts';

export interface VerifyContext extends AgentContext {
  readonly order: Order;
  readonly commands: RunCommand;
  readonly workspaces: Workspaces;
}

interface Asked {
  readonly output?: unknown;
  readonly checks: readonly unknown[];
  readonly criteria: readonly string[];
}

interface Checked {
  readonly name: string;
  readonly passed: boolean;
  readonly message?: string;
  readonly findings: readonly Finding[];
}

export const verify = async (asked: Asked, context: VerifyContext): Promise<Outcome> => {
  const checks: Check[] = [];
  for (const [at, one] of asked.checks.entries()) {
    const parsed = check.safeParse(one);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      return reject(
        'invalid_input',
        `${['checks', at, ...(issue?.path ?? [])].map(String).join('.')}: ${issue?.message}`,
      );
    }
    checks.push(parsed.data);
  }
  const checked = await runAll(checks, asked.output, context);
  return summary(checked, asked.criteria);
};

const runAll = async (checks: readonly Check[], output: unknown, context: VerifyContext): Promise<Checked[]> => {
  const { order, workspaces } = context;
  if (checks.length === 0) return [];
  const workspace = await workspaces.use(order.task_id);
  const aside = await mkdtemp(join(tmpdir(), 'capstan-output-'));
  try {
    // Beside the workspace, which belongs to the steps.
    const outputFile = join(aside, 'output.json');
    await writeFile(outputFile, JSON.stringify(output ?? null));
    const checked: Checked[] = [];
    for (const [at, one] of checks.entries()) {
      context.signal.throwIfAborted();
      context.progress((at / checks.length) * 100, nameOf(one));
      checked.push(await runOne(one, workspace.path, outputFile, context));
    }
    return checked;
  } finally {
    workspace.release();
    await rm(aside, { recursive: true, force: true });
  }
};

/** Enough of the output for a parser to find what it looks for. */
const tailBytes = 256 * 1_024;

const runOne = async (one: Check, home: string, outputFile: string, context: VerifyContext): Promise<Checked> => {
  const name = nameOf(one);
  const { order, commands, signal, output, masked } = context;
  const result = await commands({
    argv: one.command as [string, ...string[]],
    cwd: resolve(home, one.cwd),
    // What the step gave out, for a check to look at.
    env: commandEnvironment(order, home, { ...one.env, CAPSTAN_OUTPUT: outputFile }),
    signal,
    timeoutMs: one.timeout_ms,
    tailBytes,
    onOutput: output,
    masked,
  });
  const findings = findingsOf(one, result);
  if (result.exitCode === 0) return { name, passed: true, findings };
  return { name, passed: false, message: howItEnded(result), findings };
};

const howItEnded = ({ exitCode, signal, timedOut, wallMs }: CommandResult): string => {
  if (timedOut) return `ended after ${wallMs} ms`;
  return exitCode === null ? `ended by ${signal}` : `ended with ${exitCode}`;
};

const summary = (checked: readonly Checked[], criteria: readonly string[]): Outcome => {
  const failed = checked.filter(({ passed }) => !passed);
  const findings = checked.flatMap((one) => one.findings);
  const output = {
    passed: failed.length === 0,
    checks: checked.map(({ name, passed, message }) => ({
      name,
      passed,
      ...(message === undefined ? {} : { message }),
    })),
    // Criteria in words are judged by a model or a person; saying "passed" here would be made up.
    ...(criteria.length > 0 ? { not_judged: criteria } : {}),
  };
  // A check that says no is an answer, not a failure of the verifier: what follows from it the engine decides.
  return done(output, { findings });
};
