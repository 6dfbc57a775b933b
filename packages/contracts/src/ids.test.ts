// What an id may hold: it becomes a token of subjects, a bucket key, a file name and a container name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capability, id, isInternal, ms, time, timeMs, version } from './ids.ts';

const takes = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown) =>
  schema.safeParse(value).success;

test('ids as the contract describes them are taken', () => {
  for (const good of ['a', '7', 'feature-1087', 'deploy_prod', 'A9', 'a-', 'a_', 'x'.repeat(64)]) {
    assert.ok(takes(id, good), good);
  }
});

test('whatever would mean something to a subject, a path or a shell is refused', () => {
  const spaces = ['', ' ', 'a b', ' a', 'a ', 'a\n', 'a\r\nNats-Msg-Id: x', 'a\t', 'a\0'];
  const subjects = ['a.b', '.', '..', '*', 'a*', '>', 'a.>', '$KV', 'a$b'];
  const paths = ['../etc', 'a/b', 'a\\b', '~', 'a;b', 'a|b', '`a`', 'a"b', "a'b", 'a%2eb'];
  const dangerous = [...spaces, ...subjects, ...paths, '-a', '--help', '_a', '_', '-'];
  for (const bad of dangerous) assert.ok(!takes(id, bad), JSON.stringify(bad));
});

test('what is too long is refused: a subject of 5,000 characters closes the connection', () => {
  assert.ok(!takes(id, 'x'.repeat(65)));
  assert.ok(!takes(id, 'x'.repeat(5_000)));
  assert.ok(!takes(capability, 'x'.repeat(129)));
});

test('letters that only look like ASCII are refused, so two ids never look alike', () => {
  const cyrillicA = '\u0430';
  const twins = [
    cyrillicA,
    `deploy-${cyrillicA}`,
    'caf\u00e9',
    'cafe\u0301',
    '\uff41',
    'a\u200b',
    '\u202ea',
    '\u0661',
    '😀',
    'ﬁx',
  ];
  for (const twin of twins) assert.ok(!takes(id, twin), JSON.stringify(twin));
});

test('only text is an id', () => {
  for (const other of [7, null, undefined, {}, ['a'], true]) assert.ok(!takes(id, other), JSON.stringify(other));
});

test('ids that Capstan makes can be no id of a user', () => {
  assert.ok(isInternal('_x'));
  assert.ok(!isInternal('x_'));
  assert.ok(!takes(id, '_x'));
});

test('a refusal says what an id must be', () => {
  assert.match(id.safeParse('a b').error?.issues[0]?.message ?? '', /letters, digits, "_" or "-"/);
});

test('a capability may have dots, for it is matched and never part of a subject', () => {
  for (const good of ['shell', 'github.merge', 'mcp.files.read', 'x'.repeat(128)])
    assert.ok(takes(capability, good), good);
  for (const bad of ['', '.a', '*', '>', 'a b', 'a/b', '_a']) assert.ok(!takes(capability, bad), JSON.stringify(bad));
});

test('a time is RFC 3339 or a date', () => {
  const good = [
    '2026-12-01',
    '2026-12-01T09:00:00Z',
    '2026-12-01T09:00:00.123456789+02:00',
    '2026-12-01t09:00:00z',
    '2028-02-29',
  ];
  for (const text of good) assert.ok(takes(time, text), text);
  const bad = [
    '',
    'tomorrow',
    '2026-12',
    '12/01/2026',
    '2026-13-01',
    '2026-02-30',
    '2026-02-30T00:00:00Z',
    '2027-02-29',
  ];
  for (const text of [...bad, '2026-12-01T25:00:00Z', '2026-12-01T09:00:00', '2026-12-01 09:00:00Z', 1_796_000_000]) {
    assert.ok(!takes(time, text), JSON.stringify(text));
  }
});

test('a date alone means its end, UTC', () => {
  assert.equal(timeMs('2026-12-01'), Date.UTC(2026, 11, 1, 23, 59, 59, 999));
  assert.equal(timeMs('2026-12-01T01:00:00+01:00'), Date.UTC(2026, 11, 1));
});

test('a duration is a whole number of milliseconds within a year', () => {
  for (const good of [0, 1, 31_536_000_000]) assert.ok(takes(ms, good));
  for (const bad of [-1, 0.5, 31_536_000_001, Number.NaN, Number.POSITIVE_INFINITY, '1000', null])
    assert.ok(!takes(ms, bad));
});

test('a missing version means 1, and no other is known', () => {
  assert.ok(takes(version, undefined) && takes(version, 1));
  for (const other of [0, 2, '1', null]) assert.ok(!takes(version, other));
});
