// For tests: a server that answers as GitHub's REST API is published to, over a real git repository. It is typed by GitHub's own
// description of its API, as far as a tool reads it.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { components } from '@octokit/openapi-types';

type Schemas = components['schemas'];
type Some<T> = T extends readonly (infer Item)[]
  ? Some<Item>[]
  : T extends object
    ? { [K in keyof T]?: Some<T[K]> }
    : T;

export interface Pull {
  readonly number: number;
  readonly title: string;
  readonly head: string;
  readonly base: string;
  /** Why GitHub would not merge it. */
  blocked?: string;
  closed?: boolean;
  merged?: string;
}

export interface GitHubServer extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  readonly pulls: Pull[];
  readonly comments: { id: number; body: string }[];
  readonly checks: Some<Schemas['check-run']>[];
  readonly statuses: Some<Schemas['simple-commit-status']>[];
  /** Every request, as `PUT /repos/…`. */
  readonly heard: string[];
  /** Answers of the next requests, instead of the real ones. */
  readonly next: { status: number; message: string; headers?: Record<string, string> }[];
  git(...args: string[]): string;
}

interface Asked {
  readonly path: readonly string[];
  readonly body: Record<string, unknown>;
}

/** Over a bare repository that is owner/name to whoever asks. */
export const startGitHub = async (
  bare: string,
  name = 'acme/app',
  cloneUrl = `https://github.com/${name}.git`,
): Promise<GitHubServer> => {
  const token = 'ghp_canary0123456789';
  const scratch = mkdtempSync(join(tmpdir(), 'capstan-github-'));
  const git = (input: string | undefined, ...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=GitHub', '-c', 'user.email=noreply@github.com', ...args], {
      cwd: bare,
      encoding: 'utf8',
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, GIT_INDEX_FILE: join(scratch, 'index') },
      ...(input === undefined ? {} : { input }),
    }).trim();
  const has = (ref: string): string | null => {
    try {
      return git(undefined, 'rev-parse', '--verify', '--quiet', `${ref}^{commit}`);
    } catch {
      return null;
    }
  };
  const server = createServer(
    (request, response) =>
      void answer(request).then(({ status, body, headers }) =>
        response
          .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
          .end(JSON.stringify(body)),
      ),
  );
  const state = {
    pulls: [] as Pull[],
    comments: [] as { id: number; body: string }[],
    checks: [] as Some<Schemas['check-run']>[],
    statuses: [] as Some<Schemas['simple-commit-status']>[],
    heard: [] as string[],
    next: [] as GitHubServer['next'],
  };
  const html = (rest: string) => `https://github.com/${name}/${rest}`;

  const answer = async (
    request: IncomingMessage,
  ): Promise<{ status: number; body: unknown; headers?: Record<string, string> }> => {
    const text = (await request.toArray()).join('');
    const url = new URL(request.url ?? '', 'http://x');
    state.heard.push(`${request.method} ${decodeURIComponent(url.pathname)}`);
    const failing = state.next.shift();
    if (failing)
      return {
        status: failing.status,
        body: { message: failing.message },
        ...(failing.headers ? { headers: failing.headers } : {}),
      };
    if (
      !/^(token|bearer) /i.test(request.headers.authorization ?? '') ||
      !request.headers.authorization?.endsWith(token)
    )
      return { status: 401, body: { message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest' } };
    const prefix = `/repos/${name}`;
    if (!url.pathname.startsWith(prefix)) return missing;
    const path = url.pathname
      .slice(prefix.length + 1)
      .split('/')
      .map(decodeURIComponent);
    const found = routes.find(([method, pattern]) => method === request.method && matches(pattern, path));
    return found ? found[2]({ path, body: text ? (JSON.parse(text) as Record<string, unknown>) : {} }) : missing;
  };

  const pullOf = (path: readonly string[]): Pull | undefined =>
    state.pulls.find(({ number }) => number === Number(path[1]));
  const commitOf = (sha: string): Some<Schemas['git-commit']> => ({
    sha,
    html_url: html(`commit/${sha}`),
    message: git(undefined, 'log', '-1', '--format=%B', sha),
    tree: { sha: git(undefined, 'rev-parse', `${sha}^{tree}`) },
    parents: git(undefined, 'log', '-1', '--format=%P', sha)
      .split(' ')
      .filter(Boolean)
      .map((parent) => ({ sha: parent })),
  });
  const refOf = (ref: string, sha: string): Some<Schemas['git-ref']> => ({
    ref: `refs/${ref}`,
    object: { type: 'commit', sha },
  });
  const changes = (pull: Pull) =>
    git(undefined, 'diff', '--numstat', `${pull.base}...${pull.head}`)
      .split('\n')
      .filter(Boolean)
      .map((row) => {
        const [additions = '0', deletions = '0', filename = ''] = row.split('\t');
        return { filename, status: 'modified' as const, additions: Number(additions), deletions: Number(deletions) };
      });
  const repo: Some<Schemas['repository']> = {
    full_name: name,
    default_branch: 'main',
    clone_url: cloneUrl,
  };

  const routes: readonly [method: string, pattern: string, on: (asked: Asked) => { status: number; body: unknown }][] =
    [
      ['GET', '', () => ok(repo)],
      [
        'GET',
        'git/ref/*',
        ({ path }) => {
          const ref = path.slice(2).join('/');
          const sha = has(`refs/${ref}`);
          return sha ? ok(refOf(ref, sha)) : missing;
        },
      ],
      ['GET', 'git/commits/:', ({ path }) => ok(commitOf(path[2] as string))],
      [
        'POST',
        'git/blobs',
        ({ body }) =>
          made({
            sha: git(
              Buffer.from(body['content'] as string, 'base64').toString('latin1'),
              'hash-object',
              '-w',
              '--stdin',
            ),
          }),
      ],
      [
        'POST',
        'git/trees',
        ({ body }) => {
          git(undefined, 'read-tree', body['base_tree'] as string);
          for (const { path, mode, sha, content } of body['tree'] as {
            path: string;
            mode: string;
            sha?: string | null;
            content?: string;
          }[]) {
            if (sha === null) git(`0 ${'0'.repeat(40)}\t${path}\n`, 'update-index', '--index-info');
            else
              git(
                undefined,
                'update-index',
                '--add',
                '--cacheinfo',
                `${mode},${sha ?? git(content, 'hash-object', '-w', '--stdin')},${path}`,
              );
          }
          return made({ sha: git(undefined, 'write-tree') });
        },
      ],
      [
        'POST',
        'git/commits',
        ({ body }) =>
          made(
            commitOf(
              git(
                undefined,
                'commit-tree',
                body['tree'] as string,
                ...(body['parents'] as string[]).flatMap((one) => ['-p', one]),
                '-m',
                body['message'] as string,
              ),
            ),
          ),
      ],
      [
        'POST',
        'git/refs',
        ({ body }) => {
          git(undefined, 'update-ref', body['ref'] as string, body['sha'] as string, '');
          return made(refOf((body['ref'] as string).slice(5), body['sha'] as string));
        },
      ],
      [
        'PATCH',
        'git/refs/*',
        ({ path, body }) => {
          const ref = path.slice(2).join('/');
          const before = has(`refs/${ref}`);
          if (before && git(undefined, 'merge-base', before, body['sha'] as string) !== before)
            return { status: 422, body: { message: 'Update is not a fast forward' } };
          git(undefined, 'update-ref', `refs/${ref}`, body['sha'] as string);
          return ok(refOf(ref, body['sha'] as string));
        },
      ],
      [
        'GET',
        'pulls/:',
        ({ path }) => {
          const pull = pullOf(path);
          if (!pull) return missing;
          const files = changes(pull);
          const side = (ref: string) => ({ ref, sha: has(ref) ?? '', repo });
          return ok({
            number: pull.number,
            title: pull.title,
            body: null,
            html_url: html(`pull/${pull.number}`),
            user: { login: 'octocat' },
            state: pull.merged || pull.closed ? 'closed' : 'open',
            draft: false,
            merged: pull.merged !== undefined,
            merge_commit_sha: pull.merged ?? null,
            mergeable: !pull.blocked,
            head: side(pull.head),
            base: side(pull.base),
            labels: [{ name: 'feature' }],
            additions: files.reduce((sum, { additions }) => sum + additions, 0),
            deletions: files.reduce((sum, { deletions }) => sum + deletions, 0),
            changed_files: files.length,
          } satisfies Some<Schemas['pull-request']>);
        },
      ],
      ['GET', 'pulls/:/files', ({ path }) => ok(changes(pullOf(path) as Pull) satisfies Some<Schemas['diff-entry']>[])],
      [
        'PUT',
        'pulls/:/merge',
        ({ path, body }) => {
          const pull = pullOf(path) as Pull;
          if (pull.blocked || pull.merged)
            return { status: 405, body: { message: pull.blocked ?? 'Pull Request is not mergeable' } };
          const head = has(pull.head) as string;
          if (body['sha'] !== undefined && body['sha'] !== head)
            return { status: 409, body: { message: 'Head branch was modified. Review and try the merge again.' } };
          const tree = git(undefined, 'merge-tree', '--write-tree', pull.base, pull.head).split('\n')[0] as string;
          const parents = body['merge_method'] === 'merge' ? [pull.base, pull.head] : [pull.base];
          const sha = git(
            undefined,
            'commit-tree',
            tree,
            ...parents.flatMap((one) => ['-p', one]),
            '-m',
            `${pull.title} (#${pull.number})`,
          );
          git(undefined, 'update-ref', `refs/heads/${pull.base}`, sha);
          pull.merged = sha;
          return ok({
            sha,
            merged: true,
            message: 'Pull Request successfully merged',
          } satisfies Schemas['pull-request-merge-result']);
        },
      ],
      [
        'GET',
        'issues/:/comments',
        () => ok(state.comments.map((one) => ({ ...one, html_url: html(`pull/1#issuecomment-${one.id}`) }))),
      ],
      [
        'POST',
        'issues/:/comments',
        ({ body }) => {
          const one = { id: state.comments.length + 1, body: body['body'] as string };
          state.comments.push(one);
          return made({ ...one, html_url: html(`pull/1#issuecomment-${one.id}`) } satisfies Some<
            Schemas['issue-comment']
          >);
        },
      ],
      ['GET', 'commits/:/check-runs', () => ok({ total_count: state.checks.length, check_runs: state.checks })],
      [
        'GET',
        'commits/:/status',
        () => ok({ state: 'success', statuses: state.statuses, total_count: state.statuses.length }),
      ],
    ];

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...state,
    token,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    git: (...args) => git(undefined, ...args),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
};

const ok = (body: unknown) => ({ status: 200, body });
const made = (body: unknown) => ({ status: 201, body });
const missing = { status: 404, body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest' } };

/** `:` is any part, `*` all the rest. */
const matches = (pattern: string, path: readonly string[]): boolean => {
  const parts = pattern.split('/');
  if (parts.at(-1) === '*') return parts.slice(0, -1).every((part, at) => part === path[at]);
  return parts.length === path.length && parts.every((part, at) => part === ':' || part === path[at]);
};
