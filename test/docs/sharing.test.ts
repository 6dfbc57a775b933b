// What docs/sharing.md and docs/schedules.md show is what Capstan takes: settings, a schedule, and commands with the options that they have.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { textOf } from '@capstan/bus';
import { schedule, type Settings } from '@capstan/contracts';
import { capstan } from '../integration/support/cli.ts';
import { startWorld } from '../integration/support/world.ts';

const page = (name: string): string => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8');
const blocks = (text: string, kind: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, block]) => block as string);

test('the settings that are shown are taken by a coordinator, and say what the page says', async () => {
  const shown = blocks(page('sharing.md'), 'yaml');
  assert.equal(shown.length, 2);
  const config = ['settings:', ...shown.map((text) => text.replace('settings:\n', '').trimEnd())].join('\n');
  await using world = await startWorld({ config });
  const { task_id } = await world.submit({ tenant: 'acme', plan: { steps: [{ id: 'a', capability: 'noop' }] } });
  await world.ended(task_id);
  const [kept] = [...world.entries.values()].filter(({ key }) => key.startsWith('_settings.'));
  const { quotas, circuit } = JSON.parse(textOf(kept?.data ?? new Uint8Array())) as Settings;
  assert.partialDeepStrictEqual(quotas, {
    over: 'queue',
    tenant: { open_tasks: 500 },
    requester: { running_steps: 20 },
    tenants: { acme: { open_tasks: 50, running_steps: 10 } },
  });
  assert.partialDeepStrictEqual(circuit, { failures: 10, recovery_ms: 30_000, tools: { http: { failures: 3 } } });
});

test('the schedule that is shown is one', () => {
  const [text = ''] = blocks(page('schedules.md'), 'json');
  assert.partialDeepStrictEqual(schedule.parse(JSON.parse(text)), { name: 'nightly', overlap: 'skip' });
});

test('the commands on schedules do what is said of them', async () => {
  await using world = await startWorld();
  const [text = ''] = blocks(page('schedules.md'), 'text');
  const lines = text.trim().split('\n');
  assert.equal(lines.length, 4);
  for (const line of lines) {
    const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '').slice(1);
    // The file of the reader is his own.
    const own = words
      .filter((word) => word !== 'checks.json')
      .concat(words.includes('checks.json') ? ['--title', 'Checks'] : []);
    const { exit, err } = await capstan(world.server.url, ...own);
    assert.deepEqual([line, exit, err], [line, 0, '']);
  }
});
