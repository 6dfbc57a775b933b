// Compilers and linters that write `file:line:column: error: …`: gcc, clang, mypy, shellcheck, and many others.
import type { Found, Verifier } from '../reads-output.ts';

const written = /^([^\s:][^:]{0,1000}):(\d{1,7})(?::(\d{1,7}))?:? (fatal error|error|warning|note|info|style): (.*)$/;

export const places: Verifier = {
  name: 'places',
  category: 'build',
  read: (output) => {
    const found = output.lines().flatMap((line): Found[] => {
      const said = written.exec(line);
      if (!said) return [];
      const [, file, row, column, word = '', text = ''] = said;
      const rule = / \[([\w+=/.-]{1,100})\]$/.exec(text)?.[1];
      return [
        {
          level: word.endsWith('error') ? 'error' : word === 'warning' ? 'warning' : 'note',
          message: rule === undefined ? text : text.slice(0, -rule.length - 2).trimEnd(),
          file,
          line: Number(row),
          column: column === undefined ? undefined : Number(column),
          rule,
        },
      ];
    });
    return found.some(({ level }) => level !== 'note') ? found : null;
  },
};
