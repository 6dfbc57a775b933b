// Verifies the work of a step, or a repository: runs every check, also after one has failed, so that whoever mends it sees all there is to
// mend; and decides the criteria, by a command or a model.
import type { Order, Thresholds } from '@capstan/contracts';
import { type AgentContext, done, type Outcome } from '@capstan/kit';
import type { Models } from '@capstan/models';
import type { Sandbox, Workspace } from '@capstan/sandbox';
import { type Check, nameOf } from './check.ts';
import { readChecks } from './checks.ts';
import { changesIn } from './criteria/changes.ts';
import { judge } from './criteria/judge.ts';
import { ownFinding } from './findings.ts';
import { pipelineOf } from './pipeline/pipeline.ts';
import type { Repository } from './repository.ts';
import { runAudit } from './run-audit.ts';
import { type Checked, runCheck } from './run-check.ts';
import { strictest } from './thresholds.ts';
import { verdictOf } from './verdict.ts';

export interface VerifyContext extends AgentContext {
  readonly order: Order;
  /** Where databases of vulnerabilities are, which repositories may be held against. */
  readonly auditPlaces: readonly string[];
  readonly sandbox: Sandbox;
  /** Null where none is configured. */
  readonly models: Models | null;
}

interface Asked {
  readonly output?: unknown;
  readonly checks?: readonly unknown[] | undefined;
  readonly criteria?: readonly string[] | undefined;
}

export const verify = async (asked: Asked, context: VerifyContext): Promise<Outcome> => {
  const { output, checks = [], criteria = [] } = asked;
  const ran = await runAll(readChecks(checks), criteria, output, context);
  const judged = await judge(ran.open, { output, checked: ran.checked, changes: ran.changes }, context);
  const verdict = verdictOf(ran, judged.decided);
  const findings = [...ran.checked, ...judged.decided].flatMap((one) => one.findings);
  // A check that says no is an answer, not a failure of the verifier: what follows from it the engine decides.
  return done(verdict, { findings, ...(judged.usage ? { usage: judged.usage } : {}) });
};

export interface Ran {
  readonly checked: readonly Checked[];
  readonly criteria: readonly string[];
  /** Criteria that no command decides. */
  readonly open: readonly string[];
  readonly thresholds: Thresholds | undefined;
  /** In the repositories, for a model to look at. */
  readonly changes: string;
}

const runAll = async (
  asked: readonly (Check | Repository)[],
  criteria: readonly string[],
  output: unknown,
  context: VerifyContext,
): Promise<Ran> => {
  const { order, sandbox, models } = context;
  if (asked.length === 0) return { checked: [], criteria, open: criteria, thresholds: undefined, changes: '' };
  const workspace = await sandbox.open(order, context);
  try {
    const { checks, checked, thresholds } = await planned(asked, workspace, context.auditPlaces);
    const auditEgress = [...context.auditPlaces, ...(order.sandbox?.egress ?? [])];
    // Beside the workspace, which belongs to the steps; and not where a second verification would find that of the first.
    const outputFile = await workspace.aside(`${order.step_id}.output.json`, JSON.stringify(output ?? null));
    for (const [at, { check: one, isAudit }] of checks.entries()) {
      context.signal.throwIfAborted();
      context.progress((at / checks.length) * 100, nameOf(one));
      checked.push(
        isAudit ? await runAudit(one, auditEgress, workspace, outputFile) : await runCheck(one, workspace, outputFile),
      );
    }
    const decided = new Set(checked.flatMap(({ criterion }) => criterion ?? []));
    const open = criteria.filter((one) => !decided.has(one));
    const folders = asked.flatMap((one) => ('repository' in one ? [(one as Repository).repository] : []));
    const changes = open.length > 0 && models !== null ? await changesIn(folders, workspace) : '';
    return { checked, criteria, open, thresholds, changes };
  } finally {
    workspace.release();
  }
};

/** Every check to be run, and what can be said of a repository before any is. */
const planned = async (
  asked: readonly (Check | Repository)[],
  workspace: Workspace,
  auditPlaces: readonly string[],
) => {
  const checks: { readonly check: Check; readonly isAudit: boolean }[] = [];
  const checked: Checked[] = [];
  let thresholds: Thresholds | undefined;
  for (const one of asked) {
    if (!('repository' in one)) {
      checks.push({ check: one as Check, isAudit: false });
      continue;
    }
    const isAudited = (one as Repository).audit ?? auditPlaces.length > 0;
    const pipeline = await pipelineOf(one as Repository, workspace, isAudited);
    checks.push(...pipeline.checks.map((check) => ({ check, isAudit: false })));
    checks.push(...pipeline.audits.map((check) => ({ check, isAudit: true })));
    thresholds = strictest(thresholds, pipeline.thresholds);
    const { trouble } = pipeline;
    if (trouble) {
      const name = `repository ${(one as Repository).repository}`;
      checked.push({ name, passed: false, message: trouble.message, findings: [ownFinding(trouble, 'custom')] });
    }
  }
  return { checks, checked, thresholds };
};
