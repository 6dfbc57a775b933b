import assert from 'node:assert/strict';
import { test } from 'node:test';
import { help, OptionMistake, readOptions } from './options.ts';

test('what npm run sim may be told is read, and what it may not be told is said with what was expected', () => {
  assert.deepEqual(
    [readOptions(['--seeds', '50']).seeds, readOptions([]).from, readOptions(['--only', 'a,b']).only],
    [50, 1, ['a', 'b']],
  );
  for (const [args, said] of [
    [['--seeds', '0'], /^--seeds 0: must be a number above 0/],
    [['--minutes', 'ten'], /^--minutes ten: must be a number/],
    [['--sedes', '3'], /--sedes/],
  ] as const)
    assert.throws(
      () => readOptions(args),
      (error) => error instanceof OptionMistake && said.test(error.message),
    );
});

test('the help names every option', () => {
  for (const name of Object.keys(readOptions([]))) assert.ok(name === 'help' || help.includes(`--${name}`), name);
});
