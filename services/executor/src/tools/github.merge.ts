// Merges a pull request on GitHub. One that is merged already is what was wanted.
import { done, reject, retry, Stopped } from '@capstan/kit';
import { z } from 'zod';
import { asking, clientOf, needs, number, repository, statusOf, token } from '../github/client.ts';
import { defineTool } from '../tool.ts';

export const merge = defineTool({
  name: 'github.merge',
  description: 'Merges a pull request on GitHub.',
  input: z.looseObject({
    repository,
    number,
    method: z.enum(['merge', 'squash', 'rebase']).default('squash'),
    sha: z.string().optional().describe('What its head must be: that which was tested and approved'),
    title: z.string().max(256).optional().describe('Of the commit'),
    message: z.string().max(65_536).optional().describe('Of the commit'),
    token,
  }),
  output: z.strictObject({
    merged: z.literal(true),
    commit: z.string(),
    again: z.boolean().describe('Whether it had been merged before'),
  }),
  risk: 'high',
  needs,
  run: (asked, context) =>
    asking(async () => {
      const github = await clientOf(asked, context);
      const at = { ...github.at, pull_number: asked.number };
      const { data: found } = await github.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', at);
      if (found.merged) return done({ merged: true, commit: found.merge_commit_sha ?? '', again: true });
      if (found.state === 'closed')
        throw new Stopped(reject('github_closed', `Pull request ${asked.number} was closed without being merged.`));
      try {
        const { data } = await github.request('PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge', {
          ...at,
          merge_method: asked.method,
          ...(asked.sha === undefined ? {} : { sha: asked.sha }),
          ...(asked.title === undefined ? {} : { commit_title: asked.title }),
          ...(asked.message === undefined ? {} : { commit_message: asked.message }),
        });
        return done({ merged: true, commit: data.sha, again: false });
      } catch (error) {
        const words = (error as Error).message;
        if (statusOf(error) === 405)
          throw new Stopped(retry('not_mergeable', `Pull request ${asked.number} can't be merged now: ${words}`), {
            cause: error,
          });
        if (statusOf(error) === 409)
          throw new Stopped(
            reject(
              'head_changed',
              `Pull request ${asked.number} is not at ${asked.sha ?? 'that commit'} any more: ${words}`,
            ),
            { cause: error },
          );
        throw error;
      }
    }),
});
