// golangci-lint, `--output.json.path=stdout`, and `--out-format=json` up to version 1.
import type { Verifier } from '../reads-output.ts';
import { countOf, isRecord, recordOf, recordsOf, textOf } from '../shape.ts';

export const golangciLint: Verifier = {
  name: 'golangci-lint',
  category: 'lint',
  read: (output) => {
    const said = output.documents().find((one) => isRecord(one) && 'Issues' in one && isRecord(one['Report']));
    if (!said) return null;
    return recordsOf(recordOf(said)['Issues']).map((issue) => {
      const { Filename, Line, Column } = recordOf(issue['Pos']);
      const severity = textOf(issue['Severity']);
      return {
        // Most linters say none, and what they found makes it fail.
        level: severity === 'warning' ? 'warning' : severity === 'info' || severity === 'note' ? 'note' : 'error',
        message: textOf(issue['Text']) ?? '',
        file: textOf(Filename),
        line: countOf(Line),
        column: countOf(Column),
        rule: textOf(issue['FromLinter']),
      };
    });
  },
};
