// A source file as the laws see it: where it lives, and its text. Nothing here reads a file.
export interface Source {
  /** From the root of the checkout, with forward slashes. */
  readonly path: string;
  readonly text: string;
}
/** One breach of one law, in words that say what to do. */
export interface Breach {
  readonly path: string;
  readonly line: number;
  readonly what: string;
}
export type Law = (source: Source) => readonly Breach[];

export const isCode = (path: string): boolean => /\.(ts|mjs)$/.test(path);

/** Tests, what helps them, and programs for whoever works on the code: they may do more than what they test. */
export const isForTests = (path: string): boolean =>
  /\.(test|fixture)\.ts$|\/(testing|worlds|bench|diagram|generate)\.ts$|^packages\/engine\/src\/property\/|^(test|bench)\//.test(
    path,
  );

/** `packages/kit` of `packages/kit/src/log.ts`; of other files the first folder. */
export const roomOf = (path: string): string =>
  /^((packages|services)\/[^/]+)\//.exec(path)?.[1] ?? path.split('/', 1)[0] ?? '';

/** The code without its comments, every line where it was. Comments may name what the code must not. */
export const withoutComments = (text: string): string =>
  text.replaceAll(tokens, (token) => (/^\/[/*]/.test(token) ? blank(token) : token));

/** The code without comments and without what strings say. Templates stay: they hold code as well. */
export const withoutStrings = (text: string): string =>
  text.replaceAll(tokens, (token) => {
    if (token.startsWith('`')) return token;
    return token.startsWith('/') ? blank(token) : `${token[0]}${blank(token.slice(1, -1))}${token[0]}`;
  });

const tokens = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
const blank = (token: string): string => token.replaceAll(/[^\n]/g, ' ');

/** Every match as a breach. */
export const breaches = (source: Source, text: string, pattern: RegExp, what: (found: string) => string): Breach[] =>
  [...text.matchAll(pattern)].map((match) => ({
    path: source.path,
    line: text.slice(0, match.index).split('\n').length,
    what: what(match[0]),
  }));
