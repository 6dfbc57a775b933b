// Runs one check in the workspace, and reads what it found.
import type { Finding } from '@capstan/contracts';
import type { CommandResult, Workspace } from '@capstan/sandbox';
import { type Check, nameOf } from './check.ts';
import { filesFor, findingsOf } from './findings.ts';
import { newOutput } from './output.ts';
import { readBeside, readReports, withoutOldReports } from './reports.ts';

export interface Checked {
  readonly name: string;
  readonly passed: boolean;
  readonly message?: string;
  readonly findings: readonly Finding[];
  /** That it decides. */
  readonly criterion?: string | undefined;
}

/** A report of a large repository, as a document that is nothing without its beginning. */
const tailBytes = 4 * 1_024 * 1_024;

/** `egress` where it has one of its own, in the place of that of the step. */
export const runCheck = async (
  one: Check,
  workspace: Workspace,
  outputFile: string,
  egress?: readonly string[],
): Promise<Checked> => {
  const result = await workspace.run({
    argv: withoutOldReports(one),
    cwd: one.cwd,
    // What the step gave out, for a check to look at.
    env: { ...one.env, CAPSTAN_OUTPUT: outputFile },
    timeoutMs: one.timeout_ms,
    ...(egress === undefined ? {} : { egress }),
    tailBytes,
  });
  const printed = newOutput(one, result, await readReports(one, workspace));
  const output = newOutput(one, result, printed.texts, await readBeside(one, filesFor(printed), workspace));
  const findings = findingsOf(output, workspace.path);
  const base = { name: nameOf(one), findings, criterion: one.criterion };
  if (result.exitCode === 0) return { ...base, passed: true };
  return { ...base, passed: false, message: [howItEnded(result), ...told(base.name, findings)].join('\n') };
};

const howItEnded = ({ exitCode, signal, timedOut, outOfMemory, wallMs }: CommandResult): string => {
  if (timedOut) return `ended after ${wallMs} ms`;
  if (outOfMemory) return 'needed more memory than sandbox.memory_mb gives it';
  return exitCode === null ? `ended by ${signal}` : `ended with ${exitCode}`;
};

const toldMax = 10;

/** For whoever does the work again: what is wrong, and where. */
const told = (name: string, findings: readonly Finding[]): string[] => [
  ...findings.slice(0, toldMax).flatMap(({ location, message }) => {
    // That it failed is said already.
    const said = message.startsWith(`${name} `) ? message.split('\n').slice(1).join('\n') : message;
    return said === '' ? [] : [[...(location === undefined ? [] : [location]), said.slice(0, 300)].join(' ')];
  }),
  ...(findings.length > toldMax ? [`and ${findings.length - toldMax} more`] : []),
];
