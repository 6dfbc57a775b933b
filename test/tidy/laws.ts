// What no compiler sees: purity of the engine, names in one place, explicit doors, short files, nothing of a machine.
import { breaches, isCode, isForTests, type Law, withoutComments, withoutStrings } from './source.ts';

const isSource = (path: string): boolean => isCode(path) && /^(packages|services)\/[^/]+\/src\//.test(path);

/** The same state and event must decide the same, on any machine, at any time, in one call. */
export const purity: Law = (source) => {
  if (!source.path.startsWith('packages/engine/src/') || isForTests(source.path)) return [];
  const code = withoutStrings(source.text);
  return impurities.flatMap(([pattern, instead]) =>
    breaches(source, code, pattern, (found) => `${found.trim()} in the engine: ${instead}`),
  );
};

const impurities: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b|\bnew Date\(\s*\)|(?<![.\w]|new )\bDate\(|\bperformance\.\w+/g, 'take the time from the event'],
  [/\bMath\.random\b|\brandom(UUID|Bytes|Int)\b|\bgetRandomValues\b/g, 'derive it from the ids in the event'],
  [/\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/g, 'time is an event, return a `wake` effect'],
  [/(?<![.\w])process\.\w*|(?<![.\w])fetch\(/g, 'what it needs comes in with the state or the event'],
  [/(?<![.\w])(async|await)\s(?!:)|\bPromise\b/g, 'it finishes within the call, return an effect'],
  [/\blocaleCompare\b|\btoLocale\w+|\bIntl\.\w+/g, 'machines differ in their locale, compare with <'],
];

const root = 'capstan';
const upper = root.toUpperCase();
const nameLiterals = new RegExp(
  `\\b${root}\\.(task|event|order|api|dlq|log|notice|progress|cancel)\\.` +
    `|\\b${upper}_(EVENTS|ORDERS|TASKS|DLQ|LOGS|ADVISORIES)\\b|\\b${root}_(tasks|agents|inbox|artifacts)\\b`,
  'g',
);

/** A name that is written twice is changed once. */
export const names: Law = (source) =>
  !isSource(source.path) || isForTests(source.path) || source.path === 'packages/contracts/src/names.ts'
    ? []
    : breaches(
        source,
        withoutComments(source.text),
        nameLiterals,
        (found) => `${found} is written out: take it from names.ts in contracts`,
      );

/** With `export *` nobody decides what is public. */
export const doors: Law = (source) =>
  /(^|\/)index\.ts$/.test(source.path)
    ? breaches(
        source,
        withoutComments(source.text),
        /^\s*export\s*\*/gm,
        () => 'export * in an index.ts: list the names',
      )
    : [];

export const linesMax = 400;

export const length: Law = ({ path, text }) => {
  const lines = text.split('\n').length - 1;
  if (!/\.(ts|mjs|py|sh)$/.test(path) || lines <= linesMax) return [];
  return [{ path, line: lines, what: `${lines} lines, ${linesMax} at most: take a part with a name of its own out` }];
};

// In pieces, so that this file does not break the law that it states.
const hosts = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['proxy', 'golang', 'org'],
  ['sum', 'golang', 'org'],
  ['deb', 'debian', 'org'],
  ['security', 'debian', 'org'],
  ['pypi', 'org'],
  ['files', 'pythonhosted', 'org'],
  ['index', 'crates', 'io'],
].map((parts) => parts.join('\\.'));
const folders = ['work', 'root'].map((name) => `(?<![\\w./-])/${name}/`);
const machine = new RegExp([...hosts, ...folders].join('|'), 'g');

/** Whoever clones this has other mirrors and other folders: package managers know theirs. */
export const machines: Law = (source) =>
  breaches(source, source.text, machine, (found) => `${found} belongs to a machine, not to the project`);

/** A test that is left out looks like one that passes. */
export const skips: Law = (source) => {
  if (!source.path.endsWith('.test.ts')) return [];
  const code = withoutStrings(source.text);
  return [
    ...breaches(
      source,
      code,
      /\bonly:\s*true|\b(test|it|describe|suite)\.only\b/g,
      (found) => `${found} leaves out all the others`,
    ),
    ...breaches(
      source,
      code,
      /\b(skip|todo):\s*true|\b(test|it|describe|suite)\.(skip|todo)\b|\bt\.(skip|todo)\(\s*\)/g,
      (found) => `${found} without a reason: write { skip: 'why' } or t.skip('why')`,
    ),
  ];
};
