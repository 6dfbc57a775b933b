// gitleaks, `--report-format json --report-path -`. What it found is never passed on, also where `--redact` was forgotten.
import type { Verifier } from '../reads-output.ts';
import { countOf, recordsOf, textOf } from '../shape.ts';

export const gitleaks: Verifier = {
  name: 'gitleaks',
  category: 'security',
  read: (output) => {
    const said = output
      .documents()
      .find((one) => Array.isArray(one) && recordsOf(one).some((each) => 'RuleID' in each && 'Secret' in each));
    if (!said) return null;
    return recordsOf(said).map((leak) => {
      const commit = textOf(leak['Commit'])?.slice(0, 12);
      return {
        level: 'error',
        severity: 'major',
        message: `${textOf(leak['Description']) ?? 'A secret'}${commit === undefined ? '' : ` In commit ${commit}.`}`,
        file: textOf(leak['File']),
        line: countOf(leak['StartLine']),
        column: countOf(leak['StartColumn']),
        rule: textOf(leak['RuleID']),
        same: commit ?? '',
      };
    });
  },
};
