// `.capstan/verify.yaml`: how a repository wants to be verified. It is written by whoever writes the repository, so a mistake in it is a
// finding of that work, told with its line.
import { posix } from 'node:path';
import { thresholds } from '@capstan/contracts';
import { nearest } from '@capstan/kit';
import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { checkShape } from '../check.ts';
import { unknownFormat } from '../checks.ts';
import { stages, type StageCheck } from './stages.ts';

export const configFile = '.capstan/verify.yaml';

/** A path that leads out would be refused later, by the sandbox, as if the verifier had asked for it. */
const inside = (path: string): boolean => !/^(?:\/|\.\.(?:\/|$))/.test(posix.normalize(path));
const within = 'must stay inside the repository';

const { category: _, ...most } = checkShape;
const shape = {
  ...most,
  cwd: most.cwd.refine(inside, within),
  reports: most.reports.refine((paths) => paths === undefined || paths.every(inside), within),
};
/** One line is for the shell of the sandbox: it is the repository's own. */
const entry = z.union([
  z
    .string()
    .min(1)
    .transform((line): StageCheck => ({ command: ['/bin/sh', '-c', line] })),
  z.strictObject({
    ...shape,
    command: z.union([
      shape.command,
      z
        .string()
        .min(1)
        .transform((line) => ['/bin/sh', '-c', line]),
    ]),
  }),
]);
const list = z.array(entry).max(100).optional();

const config = z.strictObject({
  build: list,
  test: list,
  lint: list,
  security: list,
  custom: list,
  thresholds: z.strictObject(thresholds.shape).optional(),
});
export type PipelineConfig = z.output<typeof config>;

export interface Mistake {
  readonly line: number;
  readonly message: string;
}

export const readConfig = (text: string): PipelineConfig | { readonly mistake: Mistake } => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true, uniqueKeys: true });
  const wrong = document.errors[0];
  if (wrong)
    return {
      mistake: { line: wrong.linePos?.[0].line ?? 1, message: `This is not YAML: ${wrong.message.split('\n', 1)[0]}` },
    };
  const at = (path: readonly PropertyKey[]): number => lineOf(document, path, lines);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    return { mistake: { line: 1, message: `This can't be read: ${(error as Error).message}` } };
  }
  const parsed = config.safeParse(value);
  if (!parsed.success) return { mistake: explain(deepest(parsed.error.issues[0]), at) };
  for (const stage of stages)
    for (const [nth, one] of (parsed.data[stage] ?? []).entries()) {
      const unknown = unknownFormat(one);
      if (unknown !== null)
        return { mistake: { line: at([stage, nth, 'format']), message: `${stage}[${nth}].format: ${unknown}` } };
    }
  return parsed.data;
};

/** Of the forms that an entry may have, what is said of the one that was meant: the one that came furthest. */
const deepest = (issue: z.core.$ZodIssue | undefined): z.core.$ZodIssue | undefined => {
  if (issue?.code !== 'invalid_union') return issue;
  const inner = issue.errors
    .flatMap((errors) => errors.slice(0, 1))
    .filter(({ code, path }) => code !== 'invalid_type' || path.length > 0)
    .map((one) => deepest({ ...one, path: [...issue.path, ...one.path] }));
  return (
    inner[0] ?? { ...issue, message: 'must be a command: a list of program and arguments, or one line for the shell' }
  );
};

const explain = (issue: z.core.$ZodIssue | undefined, at: (path: readonly PropertyKey[]) => number): Mistake => {
  if (issue === undefined) return { line: 1, message: 'It can not be read.' };
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const known =
      issue.path.length === 0
        ? [...stages, 'thresholds']
        : Object.keys(issue.path[0] === 'thresholds' ? thresholds.shape : shape);
    const meant = nearest(key, known);
    const path = dotted([...issue.path, key]);
    return {
      line: at([...issue.path, key]),
      message: `${path} is nothing that is known here. ${meant ? `Did you mean ${meant}?` : `There is ${known.join(', ')}.`}`,
    };
  }
  return { line: at(issue.path), message: `${dotted(issue.path) || 'The file'}: ${issue.message}.` };
};

const dotted = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (out, part) => (typeof part === 'number' ? `${out}[${part}]` : out ? `${out}.${String(part)}` : String(part)),
    '',
  );

/** Of the setting itself, or of the nearest thing around it that is there. */
const lineOf = (document: Document, path: readonly PropertyKey[], lines: LineCounter): number => {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const pair = isMap(parent) ? parent.items.find((one) => isScalar(one.key) && one.key.value === key) : undefined;
    const node = pair ? pair.key : document.getIn(path.slice(0, length), true);
    const range = (node as { range?: [number, number, number] } | undefined)?.range;
    if (range) return lines.linePos(range[0]).line;
  }
  return 1;
};
