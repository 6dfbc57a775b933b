// Runs every check, also after one has failed, so that whoever mends it sees all there is to mend.
import type { Finding, Order } from '@capstan/contracts';
import { type AgentContext, done, type Outcome } from '@capstan/kit';
import type { CommandResult, Sandbox, Workspace } from '@capstan/sandbox';
import { type Check, nameOf } from './check.ts';
import { readChecks } from './checks.ts';
import { filesFor, findingsOf, fitted } from './findings.ts';
import { newOutput } from './output.ts';
import { readBeside, readReports, withoutOldReports } from './reports.ts';

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
  const checks = readChecks(asked.checks);
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

/** A report of a large repository, as a document that is nothing without its beginning. */
const tailBytes = 4 * 1_024 * 1_024;

const runOne = async (one: Check, workspace: Workspace, outputFile: string): Promise<Checked> => {
  const result = await workspace.run({
    argv: withoutOldReports(one),
    cwd: one.cwd,
    // What the step gave out, for a check to look at.
    env: { ...one.env, CAPSTAN_OUTPUT: outputFile },
    timeoutMs: one.timeout_ms,
    tailBytes,
  });
  const printed = newOutput(one, result, await readReports(one, workspace));
  const output = newOutput(one, result, printed.texts, await readBeside(one, filesFor(printed), workspace));
  const findings = findingsOf(output, workspace.path);
  const base = { name: nameOf(one), findings };
  return result.exitCode === 0
    ? { ...base, passed: true }
    : { ...base, passed: false, message: howItEnded(result, findings) };
};

const howItEnded = ({ exitCode, signal, timedOut, wallMs }: CommandResult, findings: readonly Finding[]): string => {
  if (timedOut) return `ended after ${wallMs} ms`;
  const how = exitCode === null ? `ended by ${signal}` : `ended with ${exitCode}`;
  // What whoever does the work again is told: there, where it is.
  const first = findings
    .slice(0, toldMax)
    .map(({ location, message }) => `${location === undefined ? '' : `${location} `}${message.slice(0, 300)}`);
  const more = findings.length > toldMax ? [`and ${findings.length - toldMax} more`] : [];
  return [how, ...first, ...more].join('\n');
};

const toldMax = 10;

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
  return done(output, { findings: fitted(findings) });
};
