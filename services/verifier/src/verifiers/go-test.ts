// `go test -json`: an event a line. Of nested tests, the innermost that failed are told.
import type { Output } from '../output.ts';
import type { Found, Verifier } from '../reads-output.ts';
import { type Shape, textOf } from '../shape.ts';
import { placesIn } from './go.ts';

export const goTest: Verifier = {
  name: 'go-test',
  category: 'test',
  files: (output) => (eventsOf(output).length > 0 ? ['go.mod'] : []),
  read: (output) => {
    const events = eventsOf(output);
    const module = /^module +"?([^\s"]+)/m.exec(output.files.get('go.mod') ?? '')?.[1];
    return events.length === 0 ? null : [...broken(events), ...failed(events, module)];
  },
};

const eventsOf = (output: Output): readonly Shape[] =>
  output.records().filter((one) => textOf(one['Action']) && (textOf(one['Package']) ?? textOf(one['ImportPath'])));

/** Packages that could not be compiled, or that `go vet` refuses, have no tests to speak of. */
const broken = (events: readonly Shape[]): readonly Found[] =>
  placesIn(
    events
      .filter(({ Action }) => Action === 'build-output')
      .map(({ Output }) => textOf(Output) ?? '')
      .join('')
      .split('\n'),
  ).map((one) => ({ ...one, category: 'build' }));

const outputMax = 8_192;

const failed = (events: readonly Shape[], module: string | undefined): Found[] => {
  const outputs = new Map<string, string>();
  const failures: { readonly key: string; readonly name: string; readonly test: string | undefined }[] = [];
  const unbuilt = new Set(
    events.filter(({ Action }) => Action === 'build-fail').map(({ ImportPath }) => textOf(ImportPath)),
  );
  for (const event of events) {
    const name = textOf(event['Package']) ?? '';
    const test = textOf(event['Test']);
    const key = keyOf(name, test);
    if (event['Action'] === 'output') {
      const before = outputs.get(key) ?? '';
      if (before.length < outputMax) outputs.set(key, before + (textOf(event['Output']) ?? ''));
    }
    if (event['Action'] === 'fail' && !unbuilt.has(textOf(event['FailedBuild']) ?? '-'))
      failures.push({ key, name, test });
  }
  // Whatever has a failure within it, by its key.
  const outer = new Set<string>();
  for (const { name, test } of failures) {
    if (test === undefined) continue;
    outer.add(keyOf(name, undefined));
    for (let at = test.lastIndexOf('/'); at > 0; at = test.lastIndexOf('/', at - 1))
      outer.add(keyOf(name, test.slice(0, at)));
  }
  return failures
    .filter(({ key }) => !outer.has(key))
    .map(({ key, name, test }) => {
      const said = (outputs.get(key) ?? '')
        .split('\n')
        .filter((line) => !/^\s*(?:=== |--- |FAIL\b|PASS\b|exit status)/.test(line))
        .join('\n')
        .trim();
      const what = test === undefined ? name : `${name} ${test}`;
      return {
        level: 'error',
        message: said === '' ? what : `${what}: ${said.split(/\n+goroutine \d+ \[/, 1)[0]}`,
        ...placeOf(said, name, module),
        rule: what,
        same: what,
      };
    });
};

const keyOf = (name: string, test: string | undefined): string => `${name} ${test ?? ''}`;

/** Go names files of a package without their folder, which its module tells; in the stack of a panic they are absolute. */
const placeOf = (said: string, name: string, module: string | undefined): Pick<Found, 'file' | 'line'> => {
  const [, file, line] = /(?:^|\s)((?:\/[^\s:]+\/)?[^\s:/]+_test\.go):(\d{1,7})/m.exec(said) ?? [];
  if (file === undefined) return {};
  const folder = module !== undefined && name.startsWith(`${module}/`) ? `${name.slice(module.length + 1)}/` : '';
  return { file: file.startsWith('/') ? file : `${folder}${file}`, line: Number(line) };
};
