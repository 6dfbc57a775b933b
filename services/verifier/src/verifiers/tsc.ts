// The TypeScript compiler: `src/a.ts(3,5): error TS2322: …`, and the same with `--pretty`.
import type { Found, Verifier } from '../reads-output.ts';

const plain = /^(\S[^()]{0,1000})\((\d{1,7}),(\d{1,7})\): (error|warning) (TS\d{1,6}): (.*)$/;
const pretty = /^(\S[^:]{0,1000}):(\d{1,7}):(\d{1,7}) - (error|warning) (TS\d{1,6}): (.*)$/;
/** Of the options or the project, and so of no file. */
const general = /^(error) (TS\d{1,6}): (.*)$/;

export const tsc: Verifier = {
  name: 'tsc',
  category: 'build',
  read: (output) => {
    const found: Found[] = [];
    for (const line of output.lines()) {
      const placed = plain.exec(line) ?? pretty.exec(line);
      const unplaced = placed ? null : general.exec(line);
      const last = found.at(-1);
      if (placed) {
        const [, file, row, column, level, rule, message = ''] = placed;
        found.push({
          level: level === 'error' ? 'error' : 'warning',
          message,
          file,
          line: Number(row),
          column: Number(column),
          rule,
        });
      } else if (unplaced) found.push({ level: 'error', message: unplaced[3] ?? '', rule: unplaced[2] });
      // Why, in further lines: indented, until something else begins.
      else if (last && /^ {2,}[^\s~]/.test(line) && last.message.length < 2_000)
        found[found.length - 1] = { ...last, message: `${last.message}\n${line.trimEnd()}` };
    }
    return found.length === 0 ? null : found;
  },
};
