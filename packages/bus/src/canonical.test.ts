import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonical, sha256 } from './canonical.ts';

test('the order of keys makes no difference', () => {
  assert.equal(canonical({ b: 1, a: [{ d: null, c: 'é' }] }), '{"a":[{"c":"é","d":null}],"b":1}');
  assert.equal(canonical({ b: 1, a: 2 }), canonical({ a: 2, b: 1 }));
});

test('keys are in the order of their code units, whatever the locale', () => {
  assert.equal(
    canonical({ é: 1, z: 2, Z: 3, '10': 4, '9': 5, '\u{1f600}': 6, '\ufb33': 7 }),
    '{"10":4,"9":5,"Z":3,"z":2,"é":1,"\u{1f600}":6,"\ufb33":7}',
  );
});

test('it says what JSON.stringify says', () => {
  for (const value of [
    0,
    -0,
    1e21,
    'a"\n\ud800',
    true,
    null,
    [],
    {},
    [undefined, 1],
    { a: undefined, b: [] },
    [[[{}]]],
    Number.NaN,
  ])
    assert.equal(canonical(value), JSON.stringify(value));
});

test('it is safe for any depth', () => {
  let deep: unknown = 1;
  for (let i = 0; i < 200_000; i++) deep = i % 2 ? [deep] : { a: deep };
  assert.equal(canonical(deep).length, 1 + 200_000 * 4);
});

test('the hash is that of the bytes', () => {
  assert.equal(sha256('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.equal(sha256(Buffer.from('é')), sha256('é'));
});
