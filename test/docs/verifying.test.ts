// The plans in docs/verifying.md that are marked so run as they stand, with the executor and the verifier that come with Capstan.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Plan } from '@capstan/contracts';
import { startWorld } from '../integration/support/world.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/verifying.md'), 'utf8');
const plans = [...page.matchAll(/^```json run\n([^]*?)\n```$/gm)].map(([, text = '']) => JSON.parse(text) as Plan);

test('the plans on the page run as they stand', async (t) => {
  await using world = await startWorld({ agent: false });
  // Both work on the same files.
  const workspaces = mkdtempSync(join(tmpdir(), 'capstan-page-'));
  const given = { CAPSTAN_NATS_URL: world.server.url, CAPSTAN_UNSAFE_HOST_SHELL: '1', CAPSTAN_WORKSPACES: workspaces };
  for (const service of ['executor', 'verifier']) {
    const child = spawn(process.execPath, [join(root, 'services', service, 'src/main.ts')], {
      env: { ...process.env, ...given },
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    t.after(async () => {
      child.kill('SIGTERM');
      await ended;
    });
  }
  t.after(() => rmSync(workspaces, { recursive: true, force: true }));
  assert.equal(plans.length, 3);
  for (const [at, plan] of plans.entries()) {
    const id = `page-${at}`;
    await world.submit({ task_id: id, plan });
    const { status, steps } = await world.ended(id, 60_000);
    assert.deepEqual(
      [
        status,
        Object.values(steps)
          .map((step) => step.status)
          .filter((one) => one !== 'succeeded'),
      ],
      ['succeeded', []],
      JSON.stringify(steps),
    );
  }
});
