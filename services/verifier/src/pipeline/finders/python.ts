// pyproject.toml and its like: the tools that they configure or name.
import type { Finder } from '../finder.ts';

const files = [
  'pyproject.toml',
  'setup.cfg',
  'tox.ini',
  'pytest.ini',
  'ruff.toml',
  'mypy.ini',
  'requirements.txt',
  'requirements-dev.txt',
];

export const python: Finder = {
  name: 'python',
  files,
  find: (found) => {
    const said = files.flatMap((name) => found.get(name) ?? []).join('\n');
    if (said === '') return null;
    const uses = (tool: string, file: string): boolean => found.has(file) || new RegExp(`\\b${tool}\\b`).test(said);
    return {
      build: uses('mypy', 'mypy.ini') ? [{ command: ['mypy', '.'] }] : [],
      test: uses('pytest', 'pytest.ini') ? [{ command: ['python3', '-m', 'pytest'] }] : [],
      lint: uses('ruff', 'ruff.toml') ? [{ command: ['ruff', 'check', '--output-format', 'sarif', '.'] }] : [],
    };
  },
};
