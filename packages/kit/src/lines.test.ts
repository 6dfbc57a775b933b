import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newLines } from './lines.ts';
import { newMask } from './masking.ts';

const secret = 'canary-value-0123456789';
const masked = () => {
  const mask = newMask();
  mask.add(secret);
  return mask;
};

test('lines are cut at their ends, and the rest comes at the end', () => {
  const lines = newLines(newMask());
  assert.deepEqual(lines.push('a\r\nb\nc'), ['a', 'b']);
  assert.deepEqual(lines.push('d\n\n'), ['cd', '']);
  lines.push('e');
  assert.deepEqual(lines.end(), ['e']);
  assert.deepEqual(lines.end(), []);
});

test('a letter of several bytes may be split between chunks', () => {
  const bytes = Buffer.from('ö€\n');
  const lines = newLines(newMask());
  assert.deepEqual(
    [...bytes].flatMap((byte) => lines.push(Uint8Array.of(byte))),
    ['ö€'],
  );
});

test('a secret split between chunks at any place is masked', () => {
  for (let at = 1; at < secret.length; at++) {
    const lines = newLines(masked());
    lines.push(`x ${secret.slice(0, at)}`);
    assert.deepEqual(lines.push(`${secret.slice(at)} y\n`), ['x [masked] y']);
  }
});

test('a secret in a line without end is masked wherever the line is cut', () => {
  for (let before = 16_300; before < 16_500; before += 1) {
    const lines = newLines(masked());
    const text = `${'x'.repeat(before)}${secret}${'y'.repeat(300)}`;
    const out = [
      ...lines.push(text.slice(0, before + 10)),
      ...lines.push(text.slice(before + 10)),
      ...lines.end(),
    ].join('');
    assert.equal(out, `${'x'.repeat(before)}[masked]${'y'.repeat(300)}`);
  }
});
