// osv-scanner, `--format json`.
import type { Found, Verifier } from '../reads-output.ts';
import { severityOfRisk } from '../severity.ts';
import { isRecord, recordOf, recordsOf, type Shape, textOf } from '../shape.ts';

export const osvScanner: Verifier = {
  name: 'osv-scanner',
  category: 'security',
  read: (output) => {
    const said = output
      .documents()
      .filter(isRecord)
      .find(
        ({ results }) =>
          Array.isArray(results) &&
          (results.length === 0 || recordsOf(results).some(({ packages }) => Array.isArray(packages))),
      );
    if (!said) return null;
    return recordsOf(said['results']).flatMap(({ source, packages }) => {
      const file = textOf(recordOf(source)['path']);
      return recordsOf(packages).flatMap((one) => inPackage(one, file));
    });
  },
};

const inPackage = (one: Shape, file: string | undefined): Found[] => {
  const { name, version } = recordOf(one['package']);
  const what = `${textOf(name) ?? '?'} ${textOf(version) ?? ''}`.trim();
  const groups = recordsOf(one['groups']);
  return recordsOf(one['vulnerabilities'])
    .filter((each) => !isAlias(each, groups))
    .map((each) => {
      const id = textOf(each['id']) ?? '?';
      const group = groups.find(({ ids }) => Array.isArray(ids) && ids.includes(id));
      const risk = textOf(group?.['max_severity']) ?? textOf(recordOf(each['database_specific'])['severity']);
      return {
        level: 'error',
        severity: severityOfRisk(risk),
        message: `${what}: ${textOf(each['summary']) ?? textOf(each['details']) ?? 'has a known vulnerability'} (${id})`,
        file,
        rule: id,
        same: textOf(name) ?? '',
      };
    });
};

/** The same vulnerability is in several databases; the first of each group stands for it. */
const isAlias = ({ id }: Shape, groups: readonly Shape[]): boolean =>
  groups.some(({ ids }) => Array.isArray(ids) && ids.indexOf(id) > 0);
