// What a coding agent may change, and whether what it changed keeps to it.
import { matchesGlob } from 'node:path';
import { z } from 'zod';
import type { ChangedFile } from './snapshot.ts';

export const rules = z.looseObject({
  allow: z.array(z.string().min(1)).max(1_000).default(['**']).describe('Patterns of the files that it may change'),
  deny: z
    .array(z.string().min(1))
    .max(1_000)
    .default(['**/.git/**', '**/.env', '**/.env.*', '.github/workflows/**', '.gitlab-ci.yml'])
    .describe('Patterns of those that it may not, whatever the others say'),
  max_files: z.int().min(1).max(10_000).default(50),
  max_lines: z.int().min(1).max(1_000_000).default(2_000).describe('Added and removed together'),
  binary: z.boolean().default(false).describe('Whether it may change files that are no text'),
});
export type Rules = z.output<typeof rules>;

/** Empty where all is well. */
export const problemsOf = (
  files: readonly ChangedFile[],
  { allow, deny, max_files, max_lines, binary }: Rules,
): string[] => {
  const fits = (path: string, patterns: readonly string[]) => patterns.some((pattern) => matchesGlob(path, pattern));
  const lines = files.reduce((sum, { added, removed }) => sum + added + removed, 0);
  return [
    ...(files.length > max_files ? [`${files.length} files are changed; at most ${max_files} may be`] : []),
    ...(lines > max_lines ? [`${lines} lines are changed; at most ${max_lines} may be`] : []),
    ...files.flatMap((file) => [
      ...(fits(file.path, deny) ? [`"${file.path}" may not be changed`] : []),
      ...(fits(file.path, allow) ? [] : [`"${file.path}" is not among what may be changed`]),
      ...(file.binary && !binary ? [`"${file.path}" is no text`] : []),
    ]),
  ];
};
