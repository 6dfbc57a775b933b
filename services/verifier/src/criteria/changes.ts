// What was changed in repositories, for a model to look at: what is not committed, and the last commit.
import type { Workspace } from '@capstan/sandbox';

const bytesMax = 48 * 1_024;
const script = `git status --porcelain=v1 -uall | head -n 200; git diff --no-color --no-ext-diff HEAD | head -c ${bytesMax}; git log -1 -p --no-color --no-ext-diff --format='last commit: %s' | head -c ${bytesMax}`;

/** Empty where there is no git or no repository: the model judges by what else there is then. */
export const changesIn = async (folders: readonly string[], workspace: Workspace): Promise<string> => {
  const said: string[] = [];
  for (const cwd of folders.slice(0, 5)) {
    const { exitCode, stdout } = await workspace.run({
      argv: ['/bin/sh', '-c', script],
      cwd,
      output: false,
      tailBytes: bytesMax * 2,
      timeoutMs: 60_000,
    });
    if (exitCode === 0 && stdout.trim() !== '') said.push(`In ${cwd}:\n${stdout}`);
  }
  return said.join('\n\n').slice(0, bytesMax * 2);
};
