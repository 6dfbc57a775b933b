// JUnit XML, as a file (`reports`) or printed: pytest, Vitest, node:test, Maven, Gradle and most others can write it.
import { SaxesParser } from 'saxes';
import { placeIn } from '../place.ts';
import type { Found, Verifier } from '../reads-output.ts';

export const junit: Verifier = {
  name: 'junit',
  category: 'test',
  read: (output) => {
    const documents = output.texts.map(documentIn).filter((one) => one !== undefined);
    return documents.length === 0 ? null : documents.flatMap(failuresIn);
  },
};

const documentIn = (text: string): string | undefined => {
  const from = text.search(/<testsuites?[\s>]/);
  return from < 0 ? undefined : text.slice(from);
};

interface Case {
  readonly name: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
  skipped: boolean;
  readonly failures: { readonly kind: string; readonly message: string; text: string }[];
}

const textMax = 16_384;

/** What can be read of it: a document that ends in the middle has told of the failures before. */
const failuresIn = (document: string): Found[] => {
  const found: Found[] = [];
  let test: Case | undefined;
  let isFailure = false;
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes: { name: called = '', classname = '', file, line, message = '' } }) => {
    if (name === 'testcase')
      test = {
        name: [classname, called].filter((part) => part !== '' && part !== 'test').join(' > '),
        file: file || undefined,
        line: Number.isSafeInteger(Number(line)) && Number(line) > 0 ? Number(line) : undefined,
        skipped: false,
        failures: [],
      };
    else if (name === 'skipped' && test) test.skipped = true;
    else if ((name === 'failure' || name === 'error') && test) {
      test.failures.push({ kind: name, message, text: '' });
      isFailure = true;
    }
  });
  const onText = (text: string): void => {
    const failure = isFailure ? test?.failures.at(-1) : undefined;
    if (failure && failure.text.length < textMax) failure.text += text.slice(0, textMax);
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', ({ name }) => {
    if (name === 'failure' || name === 'error') isFailure = false;
    if (name !== 'testcase' || !test) return;
    if (!test.skipped) found.push(...toldOf(test));
    test = undefined;
  });
  try {
    parser.write(document).close();
  } catch {
    // Not well-formed from here on.
  }
  return found;
};

const toldOf = ({ name, file, line, failures }: Case): Found[] =>
  failures.map(({ kind, message, text }) => {
    const why = message || text.trim();
    const stack = placeIn(text);
    const isOwn = stack && (file === undefined || stack.file.endsWith(file) || file.endsWith(stack.file));
    return {
      level: 'error',
      message: `${kind === 'error' ? 'error in ' : ''}${name}: ${why || 'failed'}`,
      ...(isOwn ? stack : { file, line }),
      rule: name,
      same: name,
    };
  });
