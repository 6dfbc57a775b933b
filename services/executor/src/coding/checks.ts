// The commands that must end with 0 before what a coding agent did is believed.
import { retry, Stopped } from '@capstan/kit';
import type { Workspace } from '@capstan/sandbox';

export interface Check {
  readonly command: readonly string[];
  readonly timeout_ms: number;
}

export interface Checked {
  readonly command: string;
  readonly exit_code: number;
  readonly tail: string;
}

/** One after the other, up to the first that fails. */
export const runChecks = async (checks: readonly Check[], path: string, workspace: Workspace): Promise<Checked[]> => {
  const done: Checked[] = [];
  for (const { command, timeout_ms: timeoutMs } of checks) {
    const argv = command as [string, ...string[]];
    const { exitCode, timedOut, stdout, stderr } = await workspace.run({
      argv,
      cwd: path,
      timeoutMs,
      tailBytes: 3_000,
    });
    if (timedOut)
      throw new Stopped(retry('check_timeout', `"${command.join(' ')}" was not through in ${timeoutMs} ms.`));
    done.push({ command: command.join(' '), exit_code: exitCode ?? 128, tail: (stderr || stdout).trimEnd() });
    if (exitCode !== 0) break;
  }
  return done;
};
