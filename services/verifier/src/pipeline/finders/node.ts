// package.json: its scripts, told to print for programs where they start one tool that can; and the compiler where no script does.
import type { Finder } from '../finder.ts';
import type { StageCheck } from '../stages.ts';
import { recordOf, textOf } from '../../shape.ts';

const scripts = { build: ['build', 'typecheck', 'type-check', 'types'], test: ['test'], lint: ['lint'] } as const;

export const node: Finder = {
  name: 'node',
  files: ['package.json', 'tsconfig.json'],
  find: (files) => {
    const text = files.get('package.json');
    if (text === undefined) return null;
    const manifest = recordOf(parsed(text));
    const said = recordOf(manifest['scripts']);
    const run = (names: readonly string[]): StageCheck[] =>
      names.flatMap((name) => {
        const script = textOf(said[name]);
        // What npm writes into a new package.json
        return script === undefined || script.includes('no test specified') ? [] : [checkOf(name, script)];
      });
    const build = run(scripts.build);
    const dependencies = { ...recordOf(manifest['dependencies']), ...recordOf(manifest['devDependencies']) };
    if (build.length === 0 && files.has('tsconfig.json') && 'typescript' in dependencies)
      build.push({ command: ['npx', '--no-install', 'tsc', '--noEmit'] });
    return { build, test: run(scripts.test), lint: run(scripts.lint) };
  },
};

const printers: readonly {
  readonly starts: RegExp;
  readonly unless: RegExp;
  readonly args: readonly string[];
  readonly reports?: string[];
}[] = [
  { starts: /^(?:npx )?eslint\b/, unless: / (?:-f|--format)\b/, args: ['--format', 'json'] },
  { starts: /^(?:npx )?biome (?:check|ci|lint)\b/, unless: / --reporter\b/, args: ['--reporter=json'] },
  { starts: /^(?:npx )?oxlint\b/, unless: / (?:-f|--format)\b/, args: ['--format=json'] },
  { starts: /^(?:npx )?jest\b/, unless: / --json\b/, args: ['--json'] },
  // From version 5 on it writes a file where it printed before.
  {
    starts: /^(?:npx )?vitest\b/,
    unless: / --reporter\b/,
    args: ['--run', '--reporter=json'],
    reports: ['.vitest/json/output.json'],
  },
];

const checkOf = (name: string, script: string): StageCheck => {
  const command = ['npm', 'run', '--silent', name];
  const named = { name: `npm run ${name}` };
  // More than one command in it: what is added would go to the last.
  const printer = /[&|;<>`$\n]/.test(script)
    ? undefined
    : printers.find(({ starts, unless }) => starts.test(script) && !unless.test(script));
  if (!printer) return { ...named, command };
  const { args, reports } = printer;
  const more =
    script.includes(' --run') || script.includes('vitest run') ? args.filter((one) => one !== '--run') : args;
  return { ...named, command: [...command, '--', ...more], ...(reports ? { reports } : {}) };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
};
