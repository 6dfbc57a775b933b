import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { isBusError } from './error.ts';
import { keyRingOf, newKeys, withKey } from './tokens.ts';

const subject = 'capstan.event.17.feature-1087.report.executor.unit.1';

test('a token is the HMAC of the subject, and only of that subject under that key', () => {
  const keys = newKeys();
  const ring = keyRingOf(keys);
  const token = ring.sign('k1', subject);
  assert.match(token, /^[A-Za-z0-9_-]{22}$/);
  const hmac = createHmac('sha256', Buffer.from(keys.keys['k1'] as string, 'base64'))
    .update(subject)
    .digest('base64url');
  assert.equal(token, hmac.slice(0, 22));
  assert.ok(ring.check('k1', subject, token));
  assert.ok(!ring.check('k1', `${subject}0`, token));
  assert.ok(!ring.check('k2', subject, token));
  assert.ok(!keyRingOf(newKeys()).check('k1', subject, token));
  for (const wrong of [
    '',
    token.slice(1),
    `${token}A`,
    `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`,
    'é'.repeat(22),
  ])
    assert.ok(!ring.check('k1', subject, wrong));
});

test('an added key leaves the older tokens good', () => {
  const keys = newKeys();
  const token = keyRingOf(keys).sign('k1', subject);
  const ring = keyRingOf({ ...withKey(keys, 'k2'), current: 'k2' });
  assert.equal(ring.current, 'k2');
  assert.ok(ring.check('k1', subject, token));
  assert.notEqual(ring.sign('k2', subject), token);
});

test('an unknown key is said, not guessed', () => {
  assert.throws(
    () => keyRingOf(newKeys()).sign('k9', subject),
    (error) => isBusError(error, 'corrupt'),
  );
});
