import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveShow } from './show-live.ts';
import { rememberingTerminal, someStep, someTask } from './testing.ts';

/** What stands on the screen after all that was drawn. */
const screen = (drawn: readonly string[]): string[] => {
  const lines = [''];
  let at = 0;
  for (const [, up, erase, text] of drawn.join('').matchAll(/\u001b\[(\d+)A|(\r\u001b\[J)|([^\u001b\r]+)/g)) {
    if (up !== undefined) at -= Number(up);
    assert.ok(at >= 0, 'it went above its own picture');
    if (erase !== undefined) lines.splice(at);
    for (const [index, part] of (text ?? '').split('\n').entries()) {
      if (index > 0) at += 1;
      lines[at] = (lines[at] ?? '') + part;
    }
  }
  return lines;
};

test('the picture is redrawn in place, and the last one stands', () => {
  const terminal = rememberingTerminal({ isTty: true, columns: 80 });
  const show = liveShow(terminal);
  show.task(someTask({ steps: { a: someStep({ status: 'running' }), b: someStep({ depends_on: ['a'] }) } }));
  show.ask('Approve a?');
  show.above(() => terminal.draw('a remark\n'));
  show.ask(null);
  show.task(
    someTask({
      status: 'succeeded',
      finished_at: '2026-11-20T10:00:02.000Z',
      steps: { a: someStep({ status: 'succeeded' }), b: someStep({ status: 'succeeded', depends_on: ['a'] }) },
    }),
  );
  show.end();
  show.end();
  assert.deepEqual(screen(terminal.drawn), [
    'a remark',
    'Ship the export  feature-1087 · succeeded · 2 of 2 steps · 2 s',
    '└─ ✓ a',
    '   └─ ✓ b',
    '',
  ]);
});

test('no line is wider than the terminal, and no picture higher', () => {
  const terminal = rememberingTerminal({ isTty: true, columns: 30, rows: 12 });
  const show = liveShow(terminal);
  const steps = Object.fromEntries(
    Array.from({ length: 50 }, (_, n) => [
      `a-long-name-of-a-step-${n}x`,
      someStep({ status: n % 2 ? 'running' : 'awaiting_approval', waiting_for: 'x'.repeat(200) }),
    ]),
  );
  show.task(someTask({ steps, title: 't'.repeat(200) }));
  const lines = screen(terminal.drawn);
  show.end();
  assert.ok(lines.length <= 12, String(lines.length));
  for (const line of lines) assert.ok(line.length < 30, line);
});
