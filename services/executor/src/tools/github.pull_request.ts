// What a pull request on GitHub is: branches, state, and, where they are wanted, its files.
import { done } from '@capstan/kit';
import { z } from 'zod';
import { asking, clientOf, needs, number, repository, token } from '../github/client.ts';
import { defineTool } from '../tool.ts';

const side = z.strictObject({
  ref: z.string(),
  sha: z.string(),
  repository: z.string().nullable(),
  clone_url: z.string().nullable(),
});

export const pullRequest = defineTool({
  name: 'github.pull_request',
  description: 'Reads a pull request on GitHub: title, state, branches, and its files where they are wanted.',
  input: z.looseObject({
    repository,
    number,
    files: z.boolean().default(false).describe('Whether to list what it changes'),
    token,
  }),
  output: z.strictObject({
    number: z.int(),
    title: z.string(),
    body: z.string(),
    url: z.string(),
    author: z.string(),
    state: z.enum(['open', 'closed']),
    draft: z.boolean(),
    merged: z.boolean(),
    mergeable: z.boolean().nullable().describe('Null while GitHub has not found out'),
    head: side,
    base: side,
    labels: z.array(z.string()),
    additions: z.int(),
    deletions: z.int(),
    changed_files: z.int(),
    files: z
      .array(z.strictObject({ path: z.string(), status: z.string(), additions: z.int(), deletions: z.int() }))
      .optional(),
  }),
  risk: 'low',
  needs,
  run: (asked, context) =>
    asking(async () => {
      const github = await clientOf(asked, context);
      const at = { ...github.at, pull_number: asked.number };
      const { data: found } = await github.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', at);
      const files = asked.files
        ? await github.paginate('GET /repos/{owner}/{repo}/pulls/{pull_number}/files', { ...at, per_page: 100 })
        : undefined;
      const sideOf = ({ ref, sha, repo }: typeof found.head) => ({
        ref,
        sha,
        // A fork may be gone.
        repository: repo?.full_name ?? null,
        clone_url: repo?.clone_url ?? null,
      });
      return done({
        number: found.number,
        title: found.title,
        body: found.body ?? '',
        url: found.html_url,
        author: found.user.login,
        state: found.state,
        draft: found.draft ?? false,
        merged: found.merged,
        mergeable: found.mergeable,
        head: sideOf(found.head),
        base: sideOf(found.base as typeof found.head),
        labels: found.labels.map(({ name }) => name),
        additions: found.additions,
        deletions: found.deletions,
        changed_files: found.changed_files,
        ...(files
          ? {
              files: files.map(({ filename: path, status, additions, deletions }) => ({
                path,
                status,
                additions,
                deletions,
              })),
            }
          : {}),
      });
    }),
});
