import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@capstan/contracts';
import { decode, decodeAny, type Undecodable } from './decode.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const refusal = (data: Uint8Array, options = {}): Undecodable => {
  const decoded = decode(data, options);
  assert.equal(decoded.ok, false);
  return decoded as Undecodable;
};
const value = (text: string): unknown => {
  const decoded = decodeAny(bytes(text));
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.message);
  return decoded.value;
};

test('an object comes through as it was sent', () => {
  assert.deepEqual(value('{"a":[1,2.5,-0.1,true,null,"é\\u0000\\n"],"b":{}}'), {
    a: [1, 2.5, -0.1, true, null, 'é\0\n'],
    b: {},
  });
});

test('what is no JSON is malformed, and is not repeated at length', () => {
  for (const text of [
    '',
    '\ufeff',
    '{',
    '{"a":1',
    'nul',
    '{"a":1}}',
    '[1,]',
    "{'a':1}",
    '{"a":\0}',
    '"\0"',
    'x'.repeat(100_000),
  ]) {
    const { reason, message } = refusal(bytes(text));
    assert.equal(reason, 'malformed', text.slice(0, 20));
    assert.ok(message.length <= 256);
  }
});

test('what is not UTF-8 is malformed', () => {
  for (const data of [
    [0x22, 0xff, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0xff, 0xfe, 0x7b, 0x00],
    [0x22, 0xc0, 0xaf, 0x22],
  ])
    assert.equal(refusal(Uint8Array.from(data)).reason, 'malformed');
});

test('a byte order mark is tolerated', () => assert.deepEqual(value('\ufeff{"a":1}'), { a: 1 }));

test('a lone surrogate in a text is text', () => assert.equal(value('"\\ud800"'), '\ud800'));

test('what is no object is invalid where an object is asked for', () => {
  for (const text of ['1', '"a"', 'null', '[]', 'true']) assert.equal(refusal(bytes(text)).reason, 'invalid');
});

test('100,000 nested arrays are refused before they are parsed, and soon', () => {
  for (const text of [
    '['.repeat(100_000) + ']'.repeat(100_000),
    '{"a":'.repeat(100_000),
    `{"a":"[","b":${'['.repeat(65)}`,
  ]) {
    const started = performance.now();
    assert.equal(refusal(bytes(text), { bytesMax: 1e6 }).reason, 'invalid');
    assert.ok(performance.now() - started < 100);
  }
});

test('the depth that is allowed is allowed, and brackets in texts do not count', () => {
  const most = limits.jsonDepthMax;
  value('['.repeat(most) + ']'.repeat(most));
  assert.equal(decodeAny(bytes('['.repeat(most + 1) + ']'.repeat(most + 1))).ok, false);
  value(`["${'['.repeat(1_000)}","\\"${'{'.repeat(1_000)}\\\\"]`);
});

test('a body larger than the limit is too large', () => {
  assert.equal(refusal(bytes(`{"a":"${'x'.repeat(limits.bodyBytesMax)}"}`)).reason, 'too_large');
  assert.ok(decode(bytes(`{"a":"${'x'.repeat(limits.bodyBytesMax)}"}`), { bytesMax: limits.bodyBytesMax * 2 }).ok);
});

test('a number out of range is invalid; a small or a rounded one is not', () => {
  for (const text of ['{"a":1e400}', '{"a":[-1E+999]}', `{"a":1${'0'.repeat(309)}}`, `{"a":1${'0'.repeat(309)}.5}`])
    assert.equal(refusal(bytes(text)).reason, 'invalid', text.slice(0, 20));
  assert.deepEqual(value('{"a":1e-400,"b":12345678901234567890,"c":"1e400","d":1e308}'), {
    a: 0,
    b: 12345678901234567000,
    c: '1e400',
    d: 1e308,
  });
});

test('a key named __proto__ sets no prototype, however it is written; the text is left alone', () => {
  for (const text of [
    '{"__proto__":{"admin":true},"a":1}',
    '{"\\u005f_proto__":{"admin":true},"a":1}',
    '{"_\\u005Fproto__":{"admin":true},"a":1}',
  ]) {
    const parsed = value(text) as object;
    assert.deepEqual(Object.keys(parsed), ['a']);
    assert.equal((Object.assign({}, parsed) as { admin?: boolean }).admin, undefined);
  }
  assert.deepEqual(value('{"a":[{"b":{"__proto__":1}}],"c":"__proto__"}'), { a: [{ b: {} }], c: '__proto__' });
  assert.deepEqual(Object.keys(value('{"constructor":1,"prototype":2,"toString":3,"hasOwnProperty":4}') as object), [
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
  ]);
});
