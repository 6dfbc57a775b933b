// Subjects and filters, as the server has them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matches } from './subject.ts';

/** Said again in the plainest way. */
const plainly = (filter: string, subject: string): boolean => {
  const [wanted, tokens] = [filter.split('.'), subject.split('.')];
  for (const [at, token] of wanted.entries()) {
    if (token === '>' && at === wanted.length - 1) return tokens.length > at;
    if (at >= tokens.length || (token !== '*' && token !== tokens[at])) return false;
  }
  return wanted.length === tokens.length;
};

test('one token, all that follow, and nothing else', () => {
  for (const [filter, subject, is] of [
    ['a.b', 'a.b', true],
    ['a.b', 'a.bc', false],
    ['a.bc', 'a.b', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a.b.c', false],
    ['*.b', 'a.b', true],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['>', 'a', true],
    ['a.*.c', 'a.b.c', true],
    ['a.b*', 'a.bc', false],
    ['a.b*', 'a.b*', true],
  ] as const)
    assert.equal(matches(filter, subject), is, `${filter} ${subject}`);
});

test('whatever the tokens are, it is what taking both apart gives', () => {
  const tokens = ['a', 'ab', '*', '>', ''];
  const all = (length: number): string[][] =>
    length === 0 ? [[]] : all(length - 1).flatMap((before) => tokens.map((token) => [...before, token]));
  const names = [1, 2, 3].flatMap((length) => all(length).map((parts) => parts.join('.')));
  for (const filter of names)
    for (const subject of names)
      assert.equal(matches(filter, subject), plainly(filter, subject), `${filter} ${subject}`);
});
