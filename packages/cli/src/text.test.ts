import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clean, cut, jsonText, spanOf, widthOf } from './text.ts';

test('nothing that a terminal would obey is left', () => {
  assert.equal(clean('a\u001b[2Jb\u001b]0;title\u0007c'), 'abc');
  assert.equal(clean('a\u009b31mb'), 'ab');
  assert.equal(clean('one\r\ntwo\tthree\u2028four'), 'one two three four');
  assert.equal(clean('abc\u202edcba\u2066x\u200f'), 'abcdcbax');
  assert.equal(clean('a\u0000\u0008\u007f\u0085b'), 'a b');
  assert.equal(clean('a\u{e0041}b\ufeffc'), 'abc');
  assert.equal(clean('lone \ud800 surrogate'), 'lone \ufffd surrogate');
  assert.equal(clean({ a: 1 }), '{"a":1}');
  assert.equal(clean(undefined), '');
});

test('every control character is gone, whichever', () => {
  for (let code = 0; code < 0x2100; code++) {
    const left = clean(`a${String.fromCharCode(code)}b`);
    assert.doesNotMatch(left, /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/u, code.toString(16));
  }
});

test('letters of any script stay as they are', () => {
  for (const text of ['Grüße', 'naïve café', 'שלום', 'مرحبا', '漢字', 'ひらがな', '👩‍👩‍👧 ok', 'e\u0301'])
    assert.equal(clean(text), text);
});

test('JSON means the same and is harmless', () => {
  const hostile = { title: 'a\u001b[2J\u009b31m\u202e\u2028b' };
  const text = jsonText(hostile);
  assert.deepEqual(JSON.parse(text), hostile);
  assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u202e\u2028]/);
});

test('text is cut to columns, not to characters', () => {
  assert.equal(widthOf('漢字'), 4);
  assert.equal(widthOf('e\u0301'), 1);
  assert.equal(cut('abcdef', 4), 'abc…');
  assert.equal(cut('漢字漢字', 5), '漢字…');
  assert.equal(cut('abc', 3), 'abc');
  assert.equal(cut('abc', 0), '');
});

test('spans read as people say them', () => {
  assert.deepEqual([0, 812, 4_200, 59_940, 59_960, 200_000, 7_500_000, 360_000_000].map(spanOf), [
    '0 ms',
    '812 ms',
    '4.2 s',
    '59.9 s',
    '1 min',
    '3 min 20 s',
    '2 h 5 min',
    '4 d 4 h',
  ]);
});
