// Oxlint, `--format=json`.
import { countOf, isRecord, recordOf, recordsOf, textOf } from '../shape.ts';
import type { Verifier } from '../reads-output.ts';

export const oxlint: Verifier = {
  name: 'oxlint',
  category: 'lint',
  read: (output) => {
    const said = output
      .documents()
      .find((one) => isRecord(one) && 'number_of_rules' in one && Array.isArray(one['diagnostics']));
    if (!said) return null;
    return recordsOf(recordOf(said)['diagnostics']).map(({ message, severity, code, filename, labels }) => {
      const { line, column } = recordOf(recordsOf(labels)[0]?.['span']);
      return {
        level: severity === 'error' ? 'error' : severity === 'warning' ? 'warning' : 'note',
        message: textOf(message) ?? '',
        file: textOf(filename),
        line: countOf(line),
        column: countOf(column),
        rule: textOf(code),
      };
    });
  },
};
