// SARIF 2.1.0, which many analyzers and scanners can write.
import type { Found, Verifier } from '../reads-output.ts';
import { severityOfRisk } from '../severity.ts';
import { countOf, isRecord, recordOf, recordsOf, type Shape, textOf } from '../shape.ts';

export const sarif: Verifier = {
  name: 'sarif',
  category: 'lint',
  read: (output) => {
    const logs = output
      .documents()
      .filter(
        (one) =>
          isRecord(one) &&
          Array.isArray(one['runs']) &&
          (textOf(one['$schema'])?.includes('sarif') || one['version'] === '2.1.0'),
      );
    if (logs.length === 0) return null;
    return logs.flatMap((log) => recordsOf(recordOf(log)['runs']).flatMap(resultsOf));
  },
};

const resultsOf = (run: Shape): Found[] => {
  const { driver, extensions } = recordOf(run['tool']);
  const rules = [driver, ...recordsOf(extensions)].flatMap((one) => recordsOf(recordOf(one)['rules']));
  const byId = new Map(rules.map((rule) => [textOf(rule['id']), rule]));
  const isScanner = scanners.test(textOf(recordOf(driver)['name']) ?? '');
  const results = recordsOf(run['results'])
    .filter(({ kind, suppressions }) => (kind ?? 'fail') === 'fail' && recordsOf(suppressions).length === 0)
    .map((result): Found => {
      const id = textOf(result['ruleId']) ?? textOf(recordOf(result['rule'])['id']);
      const rule = recordOf(byId.get(id) ?? byIndex(driver, result['ruleIndex']));
      const properties = recordOf(rule['properties']);
      const risk = properties['security-severity'];
      const where = recordOf(recordsOf(result['locations'])[0]?.['physicalLocation']);
      const region = recordOf(where['region']);
      const level =
        result['level'] ?? recordOf(rule['defaultConfiguration'])['level'] ?? (isScanner ? 'error' : 'warning');
      return {
        level: level === 'error' ? 'error' : level === 'note' || level === 'none' ? 'note' : 'warning',
        ...(typeof risk === 'string' || typeof risk === 'number' ? { severity: severityOfRisk(risk) } : {}),
        ...(isScanner || isAboutSecurity(properties['tags']) || risk !== undefined ? { category: 'security' } : {}),
        message:
          textOf(recordOf(result['message'])['text']) ?? textOf(recordOf(rule['shortDescription'])['text']) ?? id ?? '',
        file: fileOf(textOf(recordOf(where['artifactLocation'])['uri'])),
        line: countOf(region['startLine']),
        column: countOf(region['startColumn']),
        rule: id ?? textOf(rule['id']),
      };
    });
  return [...results, ...recordsOf(run['invocations']).flatMap(troubles)];
};

/** Those that know no levels, since all that they find is a leak or a hole. */
const scanners = /^(?:gitleaks|trufflehog|detect-secrets)$/i;

/** What it could not look at: for a linter, a file that does not parse. */
const troubles = (invocation: Shape): Found[] =>
  [...recordsOf(invocation['toolExecutionNotifications']), ...recordsOf(invocation['toolConfigurationNotifications'])]
    .filter(({ level }) => level === 'error')
    .map((one) => {
      const where = recordOf(recordsOf(one['locations'])[0]?.['physicalLocation']);
      return {
        level: 'error',
        message: textOf(recordOf(one['message'])['text']) ?? 'The tool had trouble and does not say which.',
        file: fileOf(textOf(recordOf(where['artifactLocation'])['uri'])),
        line: countOf(recordOf(where['region'])['startLine']),
        column: countOf(recordOf(where['region'])['startColumn']),
        rule: textOf(recordOf(one['descriptor'])['id']),
      };
    });

const byIndex = (driver: unknown, index: unknown): Shape | undefined =>
  typeof index === 'number' ? recordsOf(recordOf(driver)['rules'])[index] : undefined;

const isAboutSecurity = (tags: unknown): boolean => Array.isArray(tags) && tags.includes('security');

/** An address, whose path may hold escapes also where it is relative. */
const fileOf = (uri: string | undefined): string | undefined => {
  if (uri === undefined || uri.startsWith('file:')) return uri;
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
};
