// What the checks of a commit on GitHub say, once they are through: check runs and commit statuses together.
import { done, pause, reject, retry } from '@capstan/kit';
import { z } from 'zod';
import { asking, clientOf, type GitHub, needs, repository, token } from '../github/client.ts';
import { defineTool } from '../tool.ts';

const check = z.strictObject({
  name: z.string(),
  state: z.enum(['pending', 'success', 'failure']),
  url: z.string().nullable(),
});
type Check = z.output<typeof check>;

export const checks = defineTool({
  name: 'github.checks',
  description: 'Reads the checks of a commit on GitHub, and waits for them where that is wanted.',
  input: z.looseObject({
    repository,
    ref: z.string().min(1).describe('A commit, branch or tag'),
    wait_ms: z.int().min(0).max(86_400_000).default(0).describe('How long to wait for those that are not through'),
    every_ms: z.int().min(100).max(600_000).default(10_000),
    require: z.boolean().default(true).describe('Whether the step fails where a check has failed'),
    token,
  }),
  output: z.strictObject({ state: z.enum(['success', 'failure', 'pending', 'none']), checks: z.array(check) }),
  risk: 'low',
  needs,
  run: (asked, context) =>
    asking(async () => {
      const github = await clientOf(asked, context);
      const until = Date.now() + asked.wait_ms;
      for (;;) {
        const found = await checksOf(github, asked.ref);
        const state = stateOf(found);
        const output = { state, checks: found };
        if (state === 'pending' && Date.now() + asked.every_ms <= until) {
          context.progress(0, `Waiting for ${named(found, 'pending')}`);
          await pause(asked.every_ms, context.signal);
          context.signal.throwIfAborted();
          continue;
        }
        if (!asked.require || state === 'success' || state === 'none') return done(output);
        if (state === 'failure') return reject('checks_failed', `Failed: ${named(found, 'failure')}.`, { output });
        return retry('checks_pending', `Not through after ${asked.wait_ms} ms: ${named(found, 'pending')}.`, {
          output,
        });
      }
    }),
});

const named = (found: readonly Check[], state: Check['state']): string =>
  found
    .filter((one) => one.state === state)
    .map(({ name }) => name)
    .slice(0, 20)
    .join(', ');

const stateOf = (found: readonly Check[]): 'success' | 'failure' | 'pending' | 'none' => {
  if (found.length === 0) return 'none';
  if (found.some(({ state }) => state === 'failure')) return 'failure';
  return found.some(({ state }) => state === 'pending') ? 'pending' : 'success';
};

/** What did not have to run is no failure. */
const fine = new Set(['success', 'neutral', 'skipped']);

const checksOf = async (github: GitHub, ref: string): Promise<Check[]> => {
  const at = { ...github.at, ref, per_page: 100 };
  const runs = await github.paginate('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', at);
  const { data } = await github.request('GET /repos/{owner}/{repo}/commits/{ref}/status', at);
  return [
    ...runs.map(
      ({ name, status, conclusion, html_url: url }): Check => ({
        name,
        state: status !== 'completed' ? 'pending' : fine.has(conclusion ?? '') ? 'success' : 'failure',
        url: url ?? null,
      }),
    ),
    ...data.statuses.map(
      ({ context: name, state, target_url: url }): Check => ({
        name,
        state: state === 'success' || state === 'pending' ? state : 'failure',
        url: url ?? null,
      }),
    ),
  ];
};
