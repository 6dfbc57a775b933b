// Commits files to a branch on GitHub without a working tree, as one commit. A branch that is not there is made.
// Doing it twice commits once: the message names the step, and a head that is this step's own commit is what was wanted.
import { done, reject, Stopped } from '@capstan/kit';
import { z } from 'zod';
import { asking, clientOf, type GitHub, markOf, needs, repository, statusOf, token } from '../github/client.ts';
import { defineTool } from '../tool.ts';

const file = z
  .looseObject({
    path: z
      .string()
      .min(1)
      .max(4_096)
      .regex(/^(?!\/)(?!.*(^|\/)\.\.?(\/|$))[^\0]*$/, 'must be a path below the repository'),
    content: z.string().optional(),
    base64: z.base64().optional(),
    executable: z.boolean().default(false),
    delete: z.literal(true).optional(),
  })
  .refine((one) => [one.content, one.base64, one.delete].filter((part) => part !== undefined).length === 1, {
    path: ['content'],
    error: 'must be there, or "base64", or "delete": true, and only one of them',
  });

export const commitCode = defineTool({
  name: 'github.commit_code',
  description: 'Commits files to a branch on GitHub, as one commit.',
  input: z.looseObject({
    repository,
    branch: z.string().regex(/^(?![-/])[^\s~^:?*[\\]{1,200}$/, 'must be the name of a branch'),
    commit_message: z.string().min(1).max(65_536),
    files: z.array(file).min(1).max(1_000),
    base: z
      .string()
      .min(1)
      .optional()
      .describe('What a branch that is not there begins at; the default branch where absent'),
    expected_head: z.string().optional().describe('The branch must be at this commit, or nothing is done'),
    token,
  }),
  output: z.strictObject({
    branch: z.string(),
    commit: z.string(),
    url: z.string(),
    created: z.boolean().describe('Whether the branch was made'),
    again: z.boolean().describe('Whether an earlier attempt of this step had committed it already'),
  }),
  risk: 'medium',
  needs,
  run: (asked, context) =>
    asking(async () => {
      const github = await clientOf(asked, context);
      const mark = `Capstan-Step: ${markOf(context)}`;
      const head = await headOf(github, asked.branch);
      const parent = head ?? (await baseOf(github, asked.base));
      const { data: before } = await github.request('GET /repos/{owner}/{repo}/git/commits/{commit_sha}', {
        ...github.at,
        commit_sha: parent,
      });
      if (head !== null && before.message.split(/\r?\n/).includes(mark))
        return done({ branch: asked.branch, commit: before.sha, url: before.html_url, created: false, again: true });
      if (asked.expected_head !== undefined && asked.expected_head !== head)
        throw new Stopped(
          reject(
            'head_changed',
            `The branch ${asked.branch} is at ${head ?? 'nothing'}, not at ${asked.expected_head}.`,
          ),
        );
      const tree = await Promise.all(asked.files.map((one) => entryOf(github, one)));
      const { data: made } = await github.request('POST /repos/{owner}/{repo}/git/trees', {
        ...github.at,
        base_tree: before.tree.sha,
        tree,
      });
      const { data: commit } = await github.request('POST /repos/{owner}/{repo}/git/commits', {
        ...github.at,
        message: `${asked.commit_message}\n\n${mark}`,
        tree: made.sha,
        parents: [parent],
      });
      await moveTo(github, asked.branch, head, commit.sha);
      return done({
        branch: asked.branch,
        commit: commit.sha,
        url: commit.html_url,
        created: head === null,
        again: false,
      });
    }),
});

const headOf = async (github: GitHub, branch: string): Promise<string | null> => {
  try {
    const { data } = await github.request('GET /repos/{owner}/{repo}/git/ref/{ref}', {
      ...github.at,
      ref: `heads/${branch}`,
    });
    return data.object.sha;
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
};

const baseOf = async (github: GitHub, base: string | undefined): Promise<string> => {
  const name = base ?? (await github.request('GET /repos/{owner}/{repo}', github.at)).data.default_branch;
  const head = await headOf(github, name);
  if (head === null) throw new Stopped(reject('github_not_found', `There is no branch ${name} to begin at.`));
  return head;
};

type File = z.output<typeof file>;

const entryOf = async (github: GitHub, { path, content, base64, executable, delete: gone }: File) => {
  const entry = { path, mode: executable ? ('100755' as const) : ('100644' as const), type: 'blob' as const };
  if (gone) return { ...entry, sha: null };
  if (content !== undefined) return { ...entry, content };
  const { data } = await github.request('POST /repos/{owner}/{repo}/git/blobs', {
    ...github.at,
    content: base64 as string,
    encoding: 'base64',
  });
  return { ...entry, sha: data.sha };
};

/** Never by force: a branch that others have moved meanwhile is read again by the next attempt. */
const moveTo = async (github: GitHub, branch: string, head: string | null, sha: string): Promise<void> => {
  if (head === null)
    await github.request('POST /repos/{owner}/{repo}/git/refs', { ...github.at, ref: `refs/heads/${branch}`, sha });
  else
    await github.request('PATCH /repos/{owner}/{repo}/git/refs/{ref}', {
      ...github.at,
      ref: `heads/${branch}`,
      sha,
      force: false,
    });
};
