// Jest, `--json`, and Vitest, `--reporter=json`, which print the same.
import { placeIn } from '../place.ts';
import type { Found, Verifier } from '../reads-output.ts';
import { isRecord, recordOf, recordsOf, type Shape, textOf } from '../shape.ts';

export const jest: Verifier = {
  name: 'jest',
  category: 'test',
  read: (output) => {
    const runs = output
      .documents()
      .filter((one) => isRecord(one) && Array.isArray(one['testResults']) && 'numTotalTests' in one);
    if (runs.length === 0) return null;
    return runs.flatMap((run) => recordsOf(recordOf(run)['testResults']).flatMap(inFile));
  },
};

const inFile = (result: Shape): Found[] => {
  const file = textOf(result['name']);
  const failed = recordsOf(result['assertionResults']).filter(({ status }) => status === 'failed');
  // A file that could not even be loaded has no tests to speak of.
  if (failed.length === 0 && result['status'] === 'failed')
    return [
      {
        level: 'error',
        message: textOf(result['message']) ?? 'The tests of this file could not be run.',
        file,
        same: 'load',
      },
    ];
  return failed.map((test) => {
    const name = textOf(test['fullName']) ?? textOf(test['title']) ?? 'a test without a name';
    const messages = test['failureMessages'];
    const why = Array.isArray(messages) ? messages.filter((one) => typeof one === 'string').join('\n') : '';
    const stack = placeIn(why);
    return {
      level: 'error',
      message: `${name}: ${withoutStack(why)}`,
      ...(stack && file !== undefined && stack.file.endsWith(file) ? stack : { file }),
      rule: name,
      same: name,
    };
  });
};

const withoutStack = (text: string): string => text.split(/\n\s+at /, 1)[0] ?? '';
