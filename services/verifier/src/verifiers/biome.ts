// Biome, `--reporter=json`.
import { countOf, isRecord, recordOf, recordsOf, textOf } from '../shape.ts';
import type { Verifier } from '../reads-output.ts';

export const biome: Verifier = {
  name: 'biome',
  category: 'lint',
  read: (output) => {
    const said = output
      .documents()
      .find((one) => isRecord(one) && isRecord(one['summary']) && Array.isArray(one['diagnostics']));
    if (!said) return null;
    return recordsOf(recordOf(said)['diagnostics']).map((one) => {
      const { path, start } = recordOf(one['location']);
      return {
        level: levels[String(one['severity'])] ?? 'error',
        // Up to version 2.3 the message was marked up, and its text stood beside it; the place was a count of bytes.
        message: textOf(one['message']) ?? textOf(one['description']) ?? '',
        file: textOf(path) ?? textOf(recordOf(path)['file']),
        line: countOf(recordOf(start)['line']),
        column: countOf(recordOf(start)['column']),
        rule: textOf(one['category']),
      };
    });
  },
};

const levels: Readonly<Record<string, 'error' | 'warning' | 'note'>> = {
  fatal: 'error',
  error: 'error',
  warning: 'warning',
  information: 'note',
  hint: 'note',
};
