// What the tools for GitHub have in common: who asks, where, and what an error of its API means.
import { type Failed, OutboundError, reject, retry, retryAfterMs, Stopped } from '@capstan/kit';
import { Octokit } from '@octokit/core';
import { paginateRest } from '@octokit/plugin-paginate-rest';
import { z } from 'zod';
import { fetchFrom, outcomeOf } from '../outbound.ts';
import type { ToolContext } from '../tool.ts';

export const repository = z
  .string()
  .regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/, 'must be owner/name')
  .describe('owner/name');
export const token = z
  .string()
  .min(1)
  .optional()
  .describe('As a secret: { "$secret": "env:GITHUB_TOKEN" }; that of the configuration where absent');
export const number = z.int().min(1).describe('Of the pull request');

export const needs = { egress: ['api.github.com:443'], secrets: ['a token for GitHub'] };

const Client = Octokit.plugin(paginateRest);
export type GitHub = InstanceType<typeof Client> & { readonly at: { readonly owner: string; readonly repo: string } };

const timeoutMs = 30_000;

export const clientOf = async (
  asked: { readonly repository: string; readonly token?: string | undefined },
  context: ToolContext,
): Promise<GitHub> => {
  const { base_url: baseUrl, token: configured } = context.config.own.github;
  const auth = asked.token ?? ((await context.resolve(configured)) as string | undefined);
  if (auth !== undefined) context.secret(auth);
  const silent = () => {};
  const client = new Client({
    baseUrl: baseUrl.replace(/\/$/, ''),
    userAgent: 'capstan',
    ...(auth === undefined ? {} : { auth }),
    request: { fetch: fetchFrom(baseUrl, timeoutMs, context) },
    log: { debug: silent, info: silent, warn: silent, error: silent },
  });
  const [owner, repo] = asked.repository.split('/') as [string, string];
  return Object.assign(client, { at: { owner, repo } });
};

/** The status of an error that its API has answered; null for any other. */
export const statusOf = (error: unknown): number | null => {
  const { name, status } = error as { name?: string; status?: unknown };
  return name === 'HttpError' && typeof status === 'number' && error instanceof Error && 'response' in error
    ? status
    : null;
};

/** Turns what its API answers into what it means for the step. What was reached no further than the network may be tried again. */
export const asking = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Stopped) throw error;
    throw new Stopped(meaningOf(error), { cause: error });
  }
};

const meaningOf = (error: unknown): Failed => {
  const cause = (error as Error).cause;
  if (error instanceof OutboundError || cause instanceof OutboundError)
    return outcomeOf(error instanceof OutboundError ? error : cause);
  const status = statusOf(error);
  const message = `GitHub: ${(error as Error).message}`;
  if (status === null) return retry('github_unavailable', message);
  const headers = (error as { response: { headers: Record<string, string | undefined> } }).response.headers;
  const after = retryAfterMs(headers['retry-after'], Date.now()) ?? untilReset(headers);
  const limited = status === 429 || (status === 403 && (after !== null || /rate limit/i.test(message)));
  if (limited) return retry('github_rate_limited', message, after === null ? {} : { afterMs: after });
  if (status === 401 || status === 403)
    return reject('github_denied', `${message} Is the token there, and may it do that?`);
  if (status === 404)
    return reject(
      'github_not_found',
      `${message} A repository that the token may not see looks like one that is not there.`,
    );
  if (status === 409) return retry('github_conflict', message);
  return status >= 500 ? retry('github_unavailable', message) : reject('github_refused', message);
};

const untilReset = (headers: Record<string, string | undefined>): number | null => {
  if (headers['x-ratelimit-remaining'] !== '0') return null;
  const at = Number(headers['x-ratelimit-reset']) * 1_000;
  return Number.isFinite(at) && at > 0 ? Math.max(0, at - Date.now()) : null;
};

/** What marks something as said by a step, so that it is not said again by its next attempt. */
export const markOf = ({ order }: ToolContext): string => `${order.task_id}.${order.step_id}`;
