// git on the workspace, where all commands of the task run.
import { reject, retry, Stopped } from '@capstan/kit';
import type { CommandResult, Workspace } from '@capstan/sandbox';
import { disarmed } from './outside.ts';

export interface Inside {
  /** What it prints, in whole. Throws `Stopped` where it fails. */
  (args: readonly string[], options?: InsideOptions): Promise<Buffer>;
}

export interface InsideOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes beside 0 that are an answer. */
  readonly codes?: readonly number[];
  readonly bytesMax?: number;
}

const bytesMaxDefault = 64 * 1_024 * 1_024;

export const gitIn =
  (workspace: Workspace, cwd: string): Inside =>
  async (args, { env = {}, codes = [], bytesMax = bytesMaxDefault } = {}) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const result: CommandResult = await workspace.run({
      argv: ['git', ...disarmed, ...args],
      cwd,
      env: { GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1', ...env },
      egress: [],
      output: false,
      tailBytes: 4_000,
      onOutput: (stream, chunk) => {
        if (stream !== 'stdout') return;
        size += chunk.length;
        if (size <= bytesMax) chunks.push(Buffer.from(chunk));
      },
    });
    const { exitCode, stderr } = result;
    if (exitCode === null) throw new Stopped(retry('git_failed', `git ${args[0]} was ended from outside.`));
    if (exitCode !== 0 && !codes.includes(exitCode)) {
      const said = stderr.trim().split('\n').slice(-3).join(' ');
      throw new Stopped(reject('git_failed', `git ${args[0]} ended with ${exitCode}: ${said}`));
    }
    if (size > bytesMax) throw new Stopped(reject('git_too_large', `git ${args[0]} gave more than ${bytesMax} bytes.`));
    return Buffer.concat(chunks);
  };

export const line = (data: Buffer): string => data.toString('utf8').trim();
