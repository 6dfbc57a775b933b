// What asks a database elsewhere whether a dependency has a known vulnerability. That needs a way out, so it is not found by itself, as the other
// checks are: the configuration or the plan says that it may, and never the repository, whose files the work could have changed.
import { checkShape, type Check } from '../check.ts';

/** Found by `npm audit`, which is where npm is. */
const npmFiles = ['package-lock.json', 'npm-shrinkwrap.json'];
/** Found by osv-scanner, which the image has to have. */
const osvFiles = [
  'go.mod',
  'Cargo.lock',
  'pnpm-lock.yaml',
  'yarn.lock',
  'poetry.lock',
  'uv.lock',
  'Pipfile.lock',
  'requirements.txt',
  'Gemfile.lock',
  'composer.lock',
  'pom.xml',
  'gradle.lockfile',
];

export const auditFiles: readonly string[] = [...npmFiles, ...osvFiles];

/** Not for ever: who does not answer is not there. */
const timeoutMs = 120_000;

/** What can not be asked is worth little; a vulnerability is worth what its database says. */
const common = { category: 'security', severity: 'minor', timeout_ms: timeoutMs } as const;

export const auditsOf = (files: { has(name: string): boolean }, cwd: string): Check[] => {
  const locked = osvFiles.filter((name) => files.has(name));
  const base = { cwd, env: checkShape.env.parse(undefined), ...common };
  return [
    ...(npmFiles.some((name) => files.has(name))
      ? [
          {
            ...base,
            command: ['npm', 'audit', '--package-lock-only', '--json'],
            name: 'npm audit',
            format: 'npm-audit',
          },
        ]
      : []),
    ...(locked.length > 0
      ? [
          {
            ...base,
            command: ['osv-scanner', 'scan', 'source', '--format', 'json', ...locked.flatMap((name) => ['-L', name])],
            name: 'osv-scanner',
            format: 'osv-scanner',
          },
        ]
      : []),
  ];
};
