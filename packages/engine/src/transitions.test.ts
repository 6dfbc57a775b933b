// The tables of legal transitions, and the page that shows them. That only legal ones occur is what the random games check, after every event.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { stepStatuses, taskStatuses } from '@capstan/contracts';
import { markers, transitionsPage } from './diagram.ts';
import { stepTransitions, taskTransitions } from './transitions.ts';

const page = new URL('../../../docs/state-machine.md', import.meta.url);

test('docs/state-machine.md shows the tables as they are', () => {
  const text = readFileSync(page, 'utf8');
  const [, after] = text.split(`${markers.begin}\n`);
  const [shown] = (after ?? '').split(`\n${markers.end}`);
  assert.equal(
    shown?.trim(),
    transitionsPage(),
    'run: node packages/engine/src/diagram.ts, and put it between the markers',
  );
});

test('every status is in its table, can be reached and says why', () => {
  for (const [table, statuses, first] of [
    [stepTransitions, stepStatuses, ['pending']],
    [taskTransitions, taskStatuses, ['queued', 'planning', 'running']],
  ] as const) {
    const entries = Object.entries(table) as [string, Record<string, string>][];
    assert.deepEqual(entries.map(([from]) => from).toSorted(), [...statuses].toSorted());
    const reached = new Set<string>([...first, ...entries.flatMap(([, to]) => Object.keys(to))]);
    assert.deepEqual(
      statuses.filter((status) => !reached.has(status)),
      [],
    );
    for (const [from, to] of entries) {
      assert.ok(!Object.hasOwn(to, from), `${from} goes to itself`);
      for (const why of Object.values(to)) assert.ok(why.length > 3);
    }
  }
});

test('what has ended begins again only at the beginning', () => {
  for (const status of ['succeeded', 'skipped', 'cancelled'] as const) {
    assert.deepEqual(Object.keys(stepTransitions[status]), ['pending']);
  }
  for (const status of ['succeeded', 'failed', 'cancelled'] as const) {
    assert.deepEqual(Object.keys(taskTransitions[status]), ['running']);
  }
});
