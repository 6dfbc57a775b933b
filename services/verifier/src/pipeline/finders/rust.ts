// Cargo.toml: cargo and Clippy, with messages for programs.
import type { Finder } from '../finder.ts';

export const rust: Finder = {
  name: 'rust',
  files: ['Cargo.toml'],
  find: (files) => {
    if (!files.has('Cargo.toml')) return null;
    const cargo = (command: string): string[] => ['cargo', command, '--message-format=json'];
    return {
      build: [{ command: cargo('build') }],
      test: [{ command: cargo('test') }],
      lint: [{ command: cargo('clippy') }],
    };
  },
};
