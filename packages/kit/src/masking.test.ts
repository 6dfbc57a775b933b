import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newMask } from './masking.ts';

const secret = 'c4na/ry+"ö secret';
const masked = () => {
  const mask = newMask();
  mask.add(secret);
  return mask;
};

test('masks a secret plain, escaped, base64, url-encoded and in hexadecimal', () => {
  const mask = masked();
  const bytes = Buffer.from(secret);
  for (const form of [
    secret,
    JSON.stringify(secret),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    encodeURIComponent(secret),
    new URLSearchParams({ q: secret }).toString(),
  ]) {
    const out = mask.text(`before ${form} after`);
    assert.match(out, /^before .*\[masked\].* after$/, form);
    assert.equal(out.includes('canary'), false);
  }
});

test('masks it inside a longer base64 text, wherever it begins', () => {
  const mask = masked();
  for (const before of ['u:', 'us:', 'usr:', 'user:']) {
    const header = Buffer.from(`${before}${secret}:more`).toString('base64');
    const out = mask.text(header);
    assert.ok(out.includes('[masked]'), before);
    assert.equal(Buffer.from(out, 'base64').toString().includes('secret'), false);
  }
});

test('masks values, keys and numbers of JSON at any depth, and leaves the rest', () => {
  const mask = newMask();
  mask.add('12345678');
  const out = mask.json({ a: ['x 12345678 y', { '12345678': 1 }], n: 123456789, ok: 12, no: null });
  assert.deepEqual(out, { a: ['x [masked] y', { '[masked]': 1 }], n: '[masked]', ok: 12, no: null });
});

test('masks bytes in place and leaves the original alone', () => {
  const mask = newMask();
  mask.add('hunter22');
  const data = Buffer.from([0xff, ...Buffer.from('hunter22'), 0, ...Buffer.from('hunter22')]);
  const out = mask.bytes(data);
  assert.equal(out.length, data.length);
  assert.equal(Buffer.from(out).includes('hunter22'), false);
  assert.equal(data.includes('hunter22'), true);
  const clean = Buffer.from('nothing');
  assert.equal(mask.bytes(clean), clean);
});

test('each line of a secret of several lines is masked by itself', () => {
  const mask = newMask();
  mask.add('-----BEGIN KEY-----\nabcdefghijkl\n-----END KEY-----\n');
  assert.equal(mask.text('got abcdefghijkl'), 'got [masked]');
});

test('masks what a wider mask knows, also what it learns later, but no words that are short enough to be ordinary', () => {
  const wider = newMask({ secretsMax: 2 });
  const mask = newMask({ wider });
  mask.add('mine');
  wider.add('theirs-1');
  assert.equal(mask.text('mine, theirs-1'), '[masked], [masked]');
  wider.add('port');
  assert.equal(mask.text('port, theirs-1'), 'port, [masked]');
  assert.deepEqual([wider.text('mine, port'), mask.longest >= 8], ['mine, [masked]', true]);
  const log = newMask({ wider, widerLengthMin: 0 });
  assert.equal(log.text('port'), '[masked]');
  // Two are remembered: those that were used last.
  wider.add('theirs-1');
  wider.add('theirs-2');
  assert.equal(mask.text('theirs-1, theirs-2'), '[masked], [masked]');
  assert.equal(log.text('port'), 'port');
});
