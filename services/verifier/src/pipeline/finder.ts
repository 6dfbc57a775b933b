// What finds the checks of a repository from its files.
import type { Stages } from './stages.ts';

export interface Finder {
  readonly name: string;
  /** What it wants to look at, by paths in the repository. */
  readonly files: readonly string[];
  /** Null where this is no repository of its kind. `found` is what those before it have found. */
  find(files: ReadonlyMap<string, string>, found: Stages): Stages | null;
}
