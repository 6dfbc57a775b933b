// What nobody should send, with what both doors must say of it: one list, so that neither door can know less than the other.
import { type DlqReason, type ErrorCode, limits } from '@capstan/contracts';

export interface OddSubmission {
  readonly name: string;
  readonly body: Uint8Array;
  readonly code: ErrorCode;
  readonly reason: DlqReason;
  /** What the message, the hint or the fields must say. */
  readonly says?: RegExp;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const json = (value: unknown): Uint8Array => bytes(JSON.stringify(value));
const plan = (...steps: object[]): Uint8Array => json({ plan: { steps } });
const step = (more: object = {}): object => ({ id: 'a', capability: 'noop', ...more });

/** A submission of exactly so many bytes. */
export const sized = (size: number, id: string): Uint8Array => {
  const frame = JSON.stringify({ task_id: id, plan: { steps: [step()] }, metadata: { filler: '' } });
  return bytes(frame.replace('"filler":""', `"filler":"${'x'.repeat(size - frame.length)}"`));
};

/** Arrays within arrays; `title` makes it a submission otherwise in order. */
export const nested = (depth: number): Uint8Array =>
  bytes(`{"title":"deep","metadata":{"a":${'['.repeat(depth - 2)}${']'.repeat(depth - 2)}}}`);

const odd = (
  name: string,
  body: Uint8Array,
  says?: RegExp,
  code: ErrorCode = 'invalid',
  reason: DlqReason = 'invalid',
): OddSubmission => ({
  name,
  body,
  code,
  reason,
  ...(says === undefined ? {} : { says }),
});
const malformed = (name: string, body: Uint8Array, says: RegExp = /not JSON/): OddSubmission =>
  odd(name, body, says, 'invalid', 'malformed');

const badIds: readonly (readonly [string, string])[] = [
  ['a dot', 'a.b'],
  ['a star', '*'],
  ['a greater-than', '>'],
  ['spaces', 'a b'],
  ['nothing', ''],
  ['5,000 characters', 'x'.repeat(5_000)],
  ['65 characters', 'x'.repeat(65)],
  ['a path', '../../etc/passwd'],
  ['a dollar', '$JS'],
  ['a leading underscore', '_settings'],
  ['a NUL', 'a\0b'],
  ['a line break', 'a\r\nb'],
  ['an umlaut', 'größe'],
  ['a lone surrogate', '\ud800'],
  ['__proto__', '__proto__'],
  ['a leading dash', '-rf'],
  ['a right-to-left mark', 'a\u202eb'],
];

const chain = (length: number): object[] =>
  Array.from({ length }, (_, at) => step({ id: `s${at}`, depends_on: [`s${(at + length - 1) % length}`] }));

export const oddSubmissions: readonly OddSubmission[] = [
  malformed('half an object', bytes('{"title":"x"')),
  malformed('words', bytes('please build the invoice export')),
  malformed('nothing at all', bytes(''), /empty/),
  malformed('a byte order mark alone', new Uint8Array([0xef, 0xbb, 0xbf]), /empty/),
  malformed('a NUL', bytes('\0')),
  malformed('NaN', bytes('{"title":"x","metadata":{"a":NaN}}')),
  malformed('a comment', bytes('{"title":"x"} // really')),
  malformed('a NUL in a text', bytes('{"title":"a\0b"}')),
  malformed(
    'bytes that are not UTF-8',
    new Uint8Array([0x7b, 0x22, 0x74, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
    /UTF-8/,
  ),
  malformed('UTF-16', Buffer.from('{"title":"x"}', 'utf16le')),
  odd('an array', bytes('[]'), /object/),
  odd('null', bytes('null'), /object/),
  odd('a number', bytes('12'), /object/),
  odd('100,000 nested arrays', bytes('['.repeat(100_000)), /deeper than 64/),
  odd('100,000 nested objects', bytes('{"a":'.repeat(100_000)), /deeper than 64/),
  odd('65 levels', nested(65), /deeper than 64/),
  odd('1e400', bytes('{"title":"x","metadata":{"n":1e400}}'), /range/),
  odd('-1e400 in a timeout', bytes('{"plan":{"steps":[{"id":"a","capability":"noop","timeout_ms":-1e400}]}}'), /range/),
  odd('nothing to do', json({}), /nothing to do/),
  odd('what a stream answers', json({ stream: 'CAPSTAN_TASKS', seq: 1, duplicate: true }), /nothing to do/),
  odd('two goals', json({ template: { name: 'x' }, plan: { steps: [step()] } }), /one of plan, plan_ref and template/),
  odd('a title that is a number', json({ title: 7 }), /title/),
  odd('steps that are no list', json({ plan: { steps: {} } }), /plan\.steps/),
  odd('no steps', json({ plan: { steps: [] } }), /plan\.steps/),
  odd('a step that is null', json({ plan: { steps: [null] } }), /plan\.steps\[0\]/),
  odd('a capability that is a number', plan(step({ capability: 7 })), /plan\.steps\[0\]\.capability/),
  odd('a capability with a line break', plan(step({ capability: 'a\nb' })), /plan\.steps\[0\]\.capability/),
  odd('a priority of its own', json({ title: 'x', priority: 'asap' }), /priority/),
  odd(
    'a cycle of two',
    plan(step({ depends_on: ['b'] }), step({ id: 'b', depends_on: ['a'] })),
    /cycle: (a → b → a|b → a → b)/,
  ),
  odd(
    'a cycle of three behind others',
    plan(
      step(),
      step({ id: 'b', depends_on: ['a', 'd'] }),
      step({ id: 'c', depends_on: ['b'] }),
      step({ id: 'd', depends_on: ['c'] }),
    ),
    /cycle: \w → \w → \w → \w/,
  ),
  odd('a cycle of 2,000', plan(...chain(2_000)), /cycle: s\d+ → s\d+/),
  odd('a step that waits for itself', plan(step({ depends_on: ['a'] })), /can't wait for itself/),
  odd('a step twice', plan(step(), step()), /"a" names two steps/),
  odd(
    'a step named like a member of a family',
    plan(step({ each: { count: 3 } }), step({ id: 'a-2' })),
    /"a-2" names two steps/,
  ),
  odd('a dependency that is missing', plan(step({ depends_on: ['b'] })), /no step or phase is named "b"/),
  odd(
    '5,000 dependencies that are missing',
    plan(step({ depends_on: Array.from({ length: 5_000 }, (_, at) => `missing-${at}`) })),
    /missing-0/,
  ),
  odd('a phase that is missing', plan(step({ phase: 'later' })), /no phase is named "later"/),
  odd('a checkpoint that is missing', json({ checkpoints: ['merge'], plan: { steps: [step()] } }), /checkpoints\[0\]/),
  ...badIds.flatMap(([what, id]) => [
    odd(`a task id with ${what}`, json({ task_id: id, plan: { steps: [step()] } }), /task_id/),
    odd(`a step id with ${what}`, plan(step({ id })), /plan\.steps\[0\]\.id/),
  ]),
  odd('a tenant with a dot', json({ title: 'x', tenant: 'a.b' }), /tenant/),
  odd('a family of a million', plan(step({ each: { count: 1_000_000 } })), /plan\.steps\[0\]\.each/),
  odd(
    'families that are too many together',
    plan(step({ each: { count: 60_000 } }), step({ id: 'b', each: { count: 60_000 } })),
    /120000 steps/,
    'too_large',
    'too_large',
  ),
  odd(
    'more steps than the budget',
    json({ budget: { steps: 1 }, plan: { steps: [step(), step({ id: 'b' })] } }),
    /at most 1/,
    'too_large',
    'too_large',
  ),
  odd('a deadline in words', json({ title: 'x', deadline: 'tomorrow' }), /deadline/),
  odd('a deadline on February 30', json({ title: 'x', deadline: '2026-02-30' }), /deadline/),
  odd('a deadline in the year 0', json({ title: 'x', deadline: '0000-00-00T00:00:00Z' }), /deadline/),
  odd('a deadline as a cron line', json({ title: 'x', deadline: '* * * * * *' }), /deadline/),
  odd('a negative duration', json({ title: 'x', budget: { wall_ms: -1 } }), /budget\.wall_ms/),
  odd('1e308 milliseconds', json({ title: 'x', budget: { wall_ms: 1e308 } }), /budget\.wall_ms/),
  odd('no attempts', plan(step({ retry: { max_attempts: 0 } })), /retry\.max_attempts/),
  odd('a condition that is no CEL', plan(step({ when: 'params.x ==' })), /when/),
  odd('a condition that is 4,000 brackets', plan(step({ when: '('.repeat(4_000) })), /when/),
  odd(
    'a condition that is one word of 4,000 letters, and then not',
    plan(step({ when: `${'z'.repeat(4_000)} ===` })),
    /when/,
  ),
  odd(
    'a plan that is not stored',
    json({ plan_ref: { ref: 'capstan_artifacts/uploads/nowhere.json' } }),
    /plan_ref\.ref/,
  ),
  odd('a plan from another bucket', json({ plan_ref: { ref: 'capstan_keys/ring' } }), /plan_ref\.ref/),
  odd('a callback to a file', json({ title: 'x', callback_url: 'file:///etc/passwd' }), /callback_url/),
  odd('version 2', json({ v: 2, title: 'x' }), /Version 2/, 'invalid', 'unsupported_version'),
  odd(
    'a version that is a text of 10,000 letters',
    json({ v: 'x'.repeat(10_000), title: 'x' }),
    /Version/,
    'invalid',
    'unsupported_version',
  ),
  odd('a byte too many', sized(limits.bodyBytesMax + 1, 'big'), /524289 bytes/, 'too_large', 'too_large'),
  odd('as much as the server takes', sized(1_048_576, 'bigger'), /1048576 bytes/, 'too_large', 'too_large'),
];
