// Some programs on the path are a first half alone, and look for the rest below the home of whoever installed them: rustup's cargo, and what
// pyenv, rbenv, asdf and Volta put there. A command has the task's own home, so it is told where that rest is.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const places = [
  ['RUSTUP_HOME', '.rustup'],
  ['PYENV_ROOT', '.pyenv'],
  ['RBENV_ROOT', '.rbenv'],
  ['ASDF_DATA_DIR', '.asdf'],
  ['VOLTA_HOME', '.volta'],
] as const;

/** Only what is there: most of them make an empty one where they find none. */
export const toolchains = (
  home: string = homedir(),
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> =>
  Object.fromEntries(
    places.flatMap(([name, folder]) => {
      const place = env[name] ?? join(home, folder);
      return existsSync(place) ? [[name, place]] : [];
    }),
  );
