import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineCommand } from './command.ts';
import { CommandError, exits } from './exit.ts';
import { parse } from './parse.ts';

const command = defineCommand({
  name: 'try',
  group: 'tasks',
  summary: 'Try',
  arguments: [
    { name: 'task', text: 'a task' },
    { name: 'more', text: 'more', optional: true },
  ],
  options: {
    title: { type: 'text', value: 'TEXT', text: 'a title' },
    mode: { type: 'text', value: 'MODE', text: 'a mode', oneOf: ['auto', 'manual'], default: 'auto' },
    param: { type: 'many', value: 'K=V', text: 'parameters' },
    port: { type: 'whole', value: 'N', text: 'a port', env: 'TRY_PORT', default: 4222, min: 0, max: 65_535 },
    timeout: { type: 'duration', text: 'a time' },
    strict: { type: 'flag', text: 'strictly', env: 'TRY_STRICT' },
  },
  examples: [{ run: 'capstan try feature-1', what: 'try it' }],
  run: async () => exits.ok,
});

const complaint = (words: string[], environment = {}): string => {
  try {
    parse(command, words, environment);
  } catch (error) {
    assert.ok(error instanceof CommandError, String(error));
    assert.equal(error.exit, exits.usage);
    return `${error.message} ${error.detail.hint}`;
  }
  return assert.fail('nothing was found wrong');
};

test('reads arguments, options of each type, and defaults', () => {
  const { args, options } = parse(
    command,
    ['t1', '--title=a b', '--param', 'a=1', '--param=b=2', '--timeout', '1.5m', '--strict'],
    {},
  );
  assert.deepEqual(args, { task: 't1', more: undefined });
  assert.equal(options['title'], 'a b');
  assert.deepEqual(options['param'], ['a=1', 'b=2']);
  assert.equal(options['timeout'], 90_000);
  assert.equal(options['strict'], true);
  assert.equal(options['mode'], 'auto');
  assert.equal(options['port'], 4222);
});

test('the environment stands in where an option is not given, and an empty variable is none', () => {
  assert.equal(parse(command, ['t'], { TRY_PORT: '0', TRY_STRICT: '1' }).options['port'], 0);
  assert.equal(parse(command, ['t'], { TRY_STRICT: '1' }).options['strict'], true);
  assert.equal(parse(command, ['t', '--port', '7'], { TRY_PORT: '8' }).options['port'], 7);
  assert.equal(parse(command, ['t'], { TRY_PORT: '' }).options['port'], 4222);
  assert.match(complaint(['t'], { TRY_PORT: 'x' }), /^TRY_PORT can't be "x"\. It is a whole number from 0 to 65535\.$/);
  assert.match(complaint(['t'], { TRY_STRICT: 'perhaps' }), /^TRY_STRICT can't be "perhaps"\. It is 1 or 0\.$/);
});

test('what follows -- is no option', () => {
  assert.deepEqual(parse(command, ['--', '--title'], {}).args, { task: '--title', more: undefined });
});

test('each mistake is said in one line with what to do', () => {
  assert.match(complaint([]), /^TASK is missing: a task\. For example `capstan try feature-1`\.$/);
  assert.match(complaint(['a', 'b', 'c']), /can't use "c"/);
  assert.match(complaint(['a', '--titel', 'x']), /^There is no option --titel\. Did you mean --title\?$/);
  assert.match(complaint(['a', '--zzz']), /`capstan try --help` lists them/);
  assert.match(complaint(['a', '--title']), /^--title needs a value\./);
  assert.match(complaint(['a', '--title', '--strict']), /^--title needs a value\./);
  assert.match(complaint(['a', '--strict=1']), /^--strict takes no value\./);
  assert.match(complaint(['a', '--port', '-1']), /^--port can't be "-1"/);
  assert.match(complaint(['a', '--port', '65536']), /from 0 to 65535/);
  assert.match(complaint(['a', '--mode', 'loud']), /one of auto, manual/);
  assert.match(complaint(['a', '--timeout', 'soon']), /such as 500ms, 30s, 5m or 2h/);
});

test('a name from Object.prototype is no option', () => {
  assert.match(complaint(['a', '--constructor']), /There is no option --constructor/);
  assert.match(complaint(['a', '--__proto__=1']), /There is no option --__proto__/);
});
