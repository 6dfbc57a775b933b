// git for the workspace of a task. Cloning and pushing happen outside the sandbox, so that no token is ever inside it; what goes in and
// out is a bundle. Everything else happens where the commands of the task run.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { done, type Outcome, reject, Stopped } from '@capstan/kit';
import type { Workspace } from '@capstan/sandbox';
import { z } from 'zod';
import { gitIn, type Inside, line } from '../git/inside.ts';
import { remoteOf, runOutside, withFolder } from '../git/outside.ts';
import { defineTool, type ToolContext } from '../tool.ts';

const branchName = z
  .string()
  .regex(
    /^(?![-/.])(?!.*(\.\.|@\{|\/\/|\/\.|\.lock$|\/$))[^\s~^:?*[\\\x00-\x1f\x7f]{1,200}$/,
    'must be a name that git takes for a branch',
  );
/** A commit, branch or tag; never an option. */
const revision = z.string().regex(/^(?!-)[^\s\x00-\x1f\x7f]{1,200}$/, 'must be a commit, a branch or a tag');
const path = z
  .string()
  .min(1)
  .max(1_024)
  .regex(/^(?!-)[^\0]*$/, 'must be a path, and begin with no "-"')
  .default('.')
  .describe('Of the repository, in the workspace');
const repository = z
  .string()
  .min(1)
  .max(2_000)
  .describe('https://host/owner/name.git, owner/name for GitHub, or a folder that the configuration allows');
const credentials = {
  token: z.string().min(1).optional().describe('As a secret: { "$secret": "env:GITHUB_TOKEN" }'),
  username: z
    .string()
    .min(1)
    .max(200)
    .default('x-access-token')
    .describe('Beside the token, where the server wants one'),
};

const clone = z.looseObject({ action: z.literal('clone'), repository, ref: revision.optional(), path, ...credentials });
const branch = z.looseObject({ action: z.literal('branch'), name: branchName, from: revision.optional(), path });
const commit = z.looseObject({
  action: z.literal('commit'),
  message: z.string().min(1).max(65_536),
  paths: z.array(z.string().min(1)).min(1).max(10_000).default(['.']),
  author: z
    .looseObject({ name: z.string().min(1), email: z.string().min(1) })
    .default({ name: 'Capstan', email: 'capstan@localhost' }),
  path,
});
const diff = z.looseObject({
  action: z.literal('diff'),
  from: revision.default('HEAD'),
  to: revision.optional().describe('The working tree where absent, new files included'),
  paths: z.array(z.string().min(1)).max(10_000).default([]),
  max_bytes: z
    .int()
    .min(0)
    .max(1_024 * 1_024)
    .default(65_536)
    .describe('Of the patch in the output; all of it is the artifact diff.patch'),
  path,
});
const push = z.looseObject({
  action: z.literal('push'),
  branch: branchName,
  to: branchName.optional().describe('What it is called there; the same where absent'),
  repository: repository.optional().describe('May be left out only where it was cloned from a folder of the machine'),
  path,
  ...credentials,
});

type Asked<Shape extends z.ZodType> = z.output<Shape>;

const changedFile = z.strictObject({ path: z.string(), added: z.int(), removed: z.int() });

export const git = defineTool({
  name: 'git',
  description: 'Clones a repository into the workspace, makes branches, commits and diffs, and pushes.',
  input: z.discriminatedUnion('action', [clone, branch, commit, diff, push]),
  output: z.strictObject({
    path: z.string().optional(),
    branch: z.string().optional(),
    commit: z.string().optional(),
    repository: z.string().optional(),
    nothing: z.boolean().optional().describe('There was nothing to commit'),
    patch: z.string().optional(),
    truncated: z.boolean().optional(),
    files: z.array(changedFile).optional(),
  }),
  risk: 'medium',
  needs: { sandbox: true, programs: ['git'], egress: ['*'] },
  run: async (asked, context) => {
    const workspace = await context.sandbox.open(context.order, context);
    try {
      const inside = gitIn(workspace, asked.path);
      switch (asked.action) {
        case 'clone':
          return await cloned(asked, workspace, context);
        case 'branch': {
          await inside(['check-ref-format', '--branch', asked.name]);
          await inside(['switch', '-C', asked.name, ...(asked.from === undefined ? [] : [asked.from])]);
          return done({ path: asked.path, branch: asked.name, commit: await headOf(inside) });
        }
        case 'commit':
          return await committed(asked, inside, context);
        case 'diff':
          return await compared(asked, inside, context);
        case 'push':
          return await pushed(asked, inside, context);
        default:
          return asked satisfies never;
      }
    } finally {
      workspace.release();
    }
  },
});

const headOf = async (inside: Inside): Promise<string> => line(await inside(['rev-parse', 'HEAD']));

const cloned = async (asked: Asked<typeof clone>, workspace: Workspace, context: ToolContext): Promise<Outcome> => {
  const remote = await remoteOf(asked.repository, asked, context);
  context.progress(10, `Fetching ${remote.shown}`);
  const bundle = await withFolder(async (folder) => {
    await runOutside(
      ['clone', '--bare', '--no-local', '--template=', '--', remote.url, 'repository'],
      folder,
      remote,
      context,
    );
    // Not by way of a file: the folder may be a small one in memory.
    const data = await runOutside(['bundle', 'create', '-', '--all'], join(folder, 'repository'), null, context);
    return workspace.aside(`${context.order.step_id}.bundle`, data);
  });
  context.progress(60, 'Unpacking it in the workspace');
  const root = gitIn(workspace, '.');
  const inside = gitIn(workspace, asked.path);
  // A second attempt finds what the first has left.
  const there =
    asked.path === '.' || (await exists(workspace, asked.path))
      ? line(await inside(['remote', 'get-url', 'origin'], { codes: [2, 128] }))
      : '';
  if (there !== remote.shown) {
    await root(['clone', '--no-local', '--template=', '--no-checkout', '--', bundle, asked.path]);
    await inside(['remote', 'set-url', 'origin', remote.shown]);
  } else await inside(['fetch', bundle, '+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*']);
  await workspace.run({ argv: ['rm', '-f', '--', bundle], output: false });
  await checkOut(asked.ref, inside);
  const name = line(await inside(['branch', '--show-current']));
  const head = await headOf(inside);
  return done({ path: asked.path, repository: remote.shown, commit: head, ...(name ? { branch: name } : {}) });
};

/** A branch of theirs becomes a branch here; a tag or a commit is checked out as it is. */
const checkOut = async (ref: string | undefined, inside: Inside): Promise<void> => {
  if (ref === undefined) {
    await inside(['checkout', '--force']);
    return;
  }
  const isBranch = line(
    await inside(['rev-parse', '--verify', '--quiet', `refs/remotes/origin/${ref}`], { codes: [1, 128] }),
  );
  await inside(
    isBranch
      ? ['checkout', '--force', '-B', ref, `refs/remotes/origin/${ref}`]
      : ['checkout', '--force', '--detach', ref],
  );
};

const exists = async (workspace: Workspace, name: string): Promise<boolean> =>
  (await workspace.run({ argv: ['test', '-d', name], output: false })).exitCode === 0;

/** In the message, so that an attempt whose report was lost is not committed a second time. */
const keyLine = ({ order }: ToolContext): string => `Capstan-Step: ${order.task_id}.${order.step_id}`;

const committed = async (asked: Asked<typeof commit>, inside: Inside, context: ToolContext): Promise<Outcome> => {
  const { name, email } = asked.author;
  await inside(['add', '--all', '--', ...asked.paths]);
  const branchNow = line(await inside(['branch', '--show-current']));
  const where = branchNow ? { branch: branchNow } : {};
  const staged = line(await inside(['diff', '--cached', '--name-only', '--no-ext-diff']));
  if (staged === '') {
    const last = line(await inside(['log', '-1', '--format=%B'], { codes: [128] }));
    const ours = last.split(/\r?\n/).includes(keyLine(context));
    return done({ path: asked.path, ...where, commit: await headOf(inside), nothing: !ours });
  }
  const env = { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
  await inside(['commit', '--no-verify', '-m', asked.message, '-m', keyLine(context)], { env });
  return done({ path: asked.path, ...where, commit: await headOf(inside), nothing: false });
};

const compared = async (asked: Asked<typeof diff>, inside: Inside, context: ToolContext): Promise<Outcome> => {
  // New files count as changes; this stages nothing of them but their names.
  if (asked.to === undefined) await inside(['add', '--intent-to-add', '--', '.']);
  const range = [asked.from, ...(asked.to === undefined ? [] : [asked.to]), '--', ...asked.paths];
  const plain = ['diff', '--no-ext-diff', '--no-textconv', '--no-color'];
  const patch = context.masked((await inside([...plain, '--binary', ...range])).toString('utf8'));
  const numbers = await inside([...plain, '--numstat', '-z', '--no-renames', ...range]);
  const files = numbers
    .toString('utf8')
    .split('\0')
    .filter((row) => row !== '')
    .map((row) => {
      const [added = '0', removed = '0', ...name] = row.split('\t');
      return { path: name.join('\t'), added: Number(added) || 0, removed: Number(removed) || 0 };
    });
  if (patch !== '') await context.artifact('diff.patch', patch);
  const short = Buffer.from(patch).subarray(0, asked.max_bytes).toString('utf8');
  return done({ path: asked.path, patch: short, truncated: short.length < patch.length, files });
};

/** Whatever ran in the workspace may have changed what stands there, so that a token, and the code, would go wherever it says. */
const folderOf = async (inside: Inside): Promise<string> => {
  const origin = line(await inside(['remote', 'get-url', 'origin'], { codes: [2, 128] }));
  if (origin.startsWith('/') || origin.startsWith('file://')) return origin;
  const why = origin
    ? 'what the workspace says of where it was cloned from is not believed, since any step could have changed it'
    : 'the workspace was cloned from nowhere';
  throw new Stopped(
    reject('invalid_input', `repository: is not said, and ${why}. Write the address to push to into the step.`),
  );
};

const pushed = async (asked: Asked<typeof push>, inside: Inside, context: ToolContext): Promise<Outcome> => {
  const remote = await remoteOf(asked.repository ?? (await folderOf(inside)), asked, context);
  const to = asked.to ?? asked.branch;
  const head = line(await inside(['rev-parse', '--verify', `refs/heads/${asked.branch}`]));
  const bundle = await inside(['bundle', 'create', '-', `refs/heads/${asked.branch}`], { bytesMax: bundleBytesMax });
  await withFolder(async (folder) => {
    await writeFile(join(folder, 'one.bundle'), bundle);
    await runOutside(['init', '--bare', '--template=', 'repository'], folder, null, context);
    const own = join(folder, 'repository');
    await runOutside(
      ['fetch', '--no-tags', '../one.bundle', `refs/heads/${asked.branch}:refs/heads/out`],
      own,
      null,
      context,
    );
    // Without force: what others have pushed meanwhile is never overwritten.
    await runOutside(
      ['push', '--porcelain', '--no-verify', '--', remote.url, `refs/heads/out:refs/heads/${to}`],
      own,
      remote,
      context,
    );
  });
  return done({ path: asked.path, repository: remote.shown, branch: to, commit: head });
};

const bundleBytesMax = 512 * 1_024 * 1_024;
