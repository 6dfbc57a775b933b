// `npm audit --json`, and `pnpm audit --json`, which prints what npm 6 did.
import type { Found, Verifier } from '../reads-output.ts';
import { severityOfRisk } from '../severity.ts';
import { isRecord, recordOf, recordsOf, type Shape, textOf } from '../shape.ts';

export const npmAudit: Verifier = {
  name: 'npm-audit',
  category: 'security',
  read: (output) => {
    const said = output
      .documents()
      .filter(isRecord)
      .find((one) => isRecord(one['metadata']) && (isRecord(one['vulnerabilities']) || isRecord(one['advisories'])));
    if (!said) return null;
    const advisories = Object.values(recordOf(said['advisories'])).filter(isRecord);
    return [
      ...Object.entries(recordOf(said['vulnerabilities'])).flatMap(([name, one]) => viaOf(name, recordOf(one))),
      ...advisories.map((one) => told(textOf(one['module_name']) ?? '?', one, textOf(one['vulnerable_versions']))),
    ];
  },
};

/** What a package has from one that it depends on is told there. */
const viaOf = (name: string, { via }: Shape): Found[] =>
  recordsOf(via).map((advisory) => told(textOf(advisory['dependency']) ?? name, advisory, textOf(advisory['range'])));

const told = (name: string, advisory: Shape, range: string | undefined): Found => {
  const url = textOf(advisory['url']);
  return {
    level: 'error',
    severity: severityOfRisk(textOf(advisory['severity'])),
    message: `${name} ${range ?? ''}: ${textOf(advisory['title']) ?? 'has a known vulnerability'}${url === undefined ? '' : ` (${url})`}`,
    file: 'package.json',
    rule: /GHSA(?:-\w{4}){3}/.exec(url ?? '')?.[0] ?? url,
    same: name,
  };
};
