import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isBusError } from './error.ts';
import type { Bus, Entry } from './port.ts';
import { type KeyRing, type Keys, keyRingOf, newKeys, openKeyRing, withKey } from './tokens.ts';
import { inBothWorlds, text } from './worlds.ts';

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

inBothWorlds('whoever comes first makes the keys, and all have the same', {}, async (world, bus) => {
  const buses = [bus, await world.connect(), await world.connect()];
  const rings = await Promise.all(buses.map((one) => openKeyRing(one)));
  const [ring] = rings as [KeyRing];
  const token = ring.sign(ring.current, subject);
  for (const other of rings) assert.ok(other.check(ring.current, subject, token));
  // Rotation: the new key is added first, and becomes current once everybody has it.
  const store = bus.store(bus.names.buckets.keys);
  const entry = (await store.get('ring')) as Entry;
  const rotated = { ...withKey(JSON.parse(text(entry.data)) as Keys, 'k2'), current: 'k2' };
  await store.set({ key: 'ring', data: JSON.stringify(rotated), expect: entry.revision });
  for (const other of rings) {
    await other.refresh();
    assert.deepEqual([other.current, other.knows('k2'), other.check('k1', subject, token)], ['k2', true, true]);
  }
  await Promise.all(rings.map((other) => other.stop()));
});

test('keys come from a file where one is named, and a broken one is explained', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'capstan-keys-'));
  context.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'keys.json');
  const keys = newKeys();
  await writeFile(file, JSON.stringify(keys));
  const nowhere = {} as Bus;
  const ring = await openKeyRing(nowhere, { file });
  assert.ok(ring.check('k1', subject, keyRingOf(keys).sign('k1', subject)));
  for (const broken of [
    '',
    '{',
    '{}',
    '{"current":"k2","keys":{"k1":"AAAA"}}',
    '{"current":"k1","keys":{"k1":"c2hvcnQ="}}',
    '{"current":"a b","keys":{"a b":"x"}}',
  ]) {
    await writeFile(file, broken);
    await assert.rejects(
      openKeyRing(nowhere, { file }),
      (error) => isBusError(error, 'corrupt') && error.message.includes(file),
    );
  }
});
