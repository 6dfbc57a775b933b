// ESLint: `--format json`, and what it prints by itself.
import { countOf, recordsOf, textOf } from '../shape.ts';
import type { Found, Verifier } from '../reads-output.ts';

export const eslint: Verifier = {
  name: 'eslint',
  category: 'lint',
  read: (output) => {
    const files = output
      .documents()
      .find((one) => recordsOf(one).some(({ messages, filePath }) => Array.isArray(messages) && textOf(filePath)));
    if (!files) return stylish(output.lines());
    return recordsOf(files).flatMap(({ filePath, messages }) =>
      recordsOf(messages).map(({ message, severity, ruleId, line, column }) => ({
        level: severity === 2 ? 'error' : 'warning',
        message: textOf(message) ?? '',
        file: textOf(filePath),
        line: countOf(line),
        column: countOf(column),
        rule: textOf(ruleId),
      })),
    );
  },
};

/** A file, and under it `  3:20  warning  Expected '==='  eqeqeq`. */
const stylish = (lines: readonly string[]): readonly Found[] | null => {
  const found: Found[] = [];
  let file: string | undefined;
  for (const line of lines) {
    if (/^\S/.test(line)) file = line.trim();
    const said = /^ {2,}(\d{1,7}):(\d{1,7}) {2,}(error|warning) {2,}(.*)$/.exec(line);
    if (!said || file === undefined) continue;
    const [, row, column, level, text = ''] = said;
    // Columns are told apart by two spaces; a problem of no rule has no last one.
    const at = text.lastIndexOf('  ');
    const rule = at < 0 ? undefined : text.slice(at + 2);
    found.push({
      level: level === 'error' ? 'error' : 'warning',
      message: at < 0 ? text : text.slice(0, at).trimEnd(),
      file,
      line: Number(row),
      column: Number(column),
      rule,
    });
  }
  return found.length > 0 && lines.some((line) => /^✖ \d+ problems? \(/.test(line)) ? found : null;
};
