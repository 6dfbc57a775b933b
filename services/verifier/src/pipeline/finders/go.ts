// go.mod: the tools of Go itself, and golangci-lint where it is configured.
import type { Finder } from '../finder.ts';

const linterFiles = ['.golangci.yml', '.golangci.yaml', '.golangci.toml', '.golangci.json'];

export const go: Finder = {
  name: 'go',
  files: ['go.mod', ...linterFiles],
  find: (files) => {
    if (!files.has('go.mod')) return null;
    const isLinted = linterFiles.some((name) => files.has(name));
    return {
      // A single program would be written into the repository otherwise.
      build: [{ command: ['go', 'build', '-o', '/dev/null', './...'] }],
      test: [{ command: ['go', 'test', '-json', './...'] }],
      lint: [
        { command: ['go', 'vet', './...'] },
        ...(isLinted ? [{ command: ['golangci-lint', 'run', '--output.json.path=stdout', './...'] }] : []),
      ],
    };
  },
};
