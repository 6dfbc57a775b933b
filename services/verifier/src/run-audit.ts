// Runs an audit: its findings count as any others, but neither its end nor that it could not be asked decides anything. Otherwise a database
// that is away for an hour would stop all work.
import { Stopped } from '@capstan/kit';
import type { Workspace } from '@capstan/sandbox';
import { type Check, nameOf } from './check.ts';
import { ownFinding } from './findings.ts';
import { type Checked, runCheck } from './run-check.ts';

/** Its program isn't there, or it may not connect to anything. */
const cannot = new Set(['command_not_found', 'command_not_executable', 'sandbox_cannot']);

export const runAudit = async (
  one: Check,
  egress: readonly string[],
  workspace: Workspace,
  outputFile: string,
): Promise<Checked> => {
  try {
    const { findings, name } = await runCheck(one, workspace, outputFile, egress);
    return { name, passed: true, findings };
  } catch (error) {
    if (!(error instanceof Stopped) || error.outcome.kind !== 'failed' || !cannot.has(error.outcome.code)) throw error;
    const name = nameOf(one);
    const message = `${name} was not run: ${error.outcome.message}`;
    return { name, passed: true, findings: [ownFinding({ level: 'note', message }, 'security')] };
  }
};
