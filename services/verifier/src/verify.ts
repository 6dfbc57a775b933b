// Runs every check, also after one has failed, so that whoever mends it sees all there is to mend.
import type { Finding, Order } from '@capstan/contracts';
import { type AgentContext, done, type Outcome, reject } from '@capstan/kit';
import type { CommandResult, Sandbox, Workspace } from '@capstan/sandbox';
import { type Check, check, nameOf } from './check.ts';
import { findingsOf } from './verifiers/index.ts';

export interface VerifyContext extends AgentContext {
  readonly order: Order;
  readonly sandbox: Sandbox;
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
  const { order, sandbox } = context;
  if (checks.length === 0) return [];
  const workspace = await sandbox.open(order, context);
  try {
    // Beside the workspace, which belongs to the steps; and not where a second verification would find that of the first.
    const outputFile = await workspace.aside(`${order.step_id}.output.json`, JSON.stringify(output ?? null));
    const checked: Checked[] = [];
    for (const [at, one] of checks.entries()) {
      context.signal.throwIfAborted();
      context.progress((at / checks.length) * 100, nameOf(one));
      checked.push(await runOne(one, workspace, outputFile));
    }
    return checked;
  } finally {
    workspace.release();
  }
};

/** Enough of the output for a parser to find what it looks for. */
const tailBytes = 256 * 1_024;

const runOne = async (one: Check, workspace: Workspace, outputFile: string): Promise<Checked> => {
  const name = nameOf(one);
  const result = await workspace.run({
    argv: one.command as [string, ...string[]],
    cwd: one.cwd,
    // What the step gave out, for a check to look at.
    env: { ...one.env, CAPSTAN_OUTPUT: outputFile },
    timeoutMs: one.timeout_ms,
    tailBytes,
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
