// `go build` and `go vet`: a heading for each package, and `folder/file.go:4:9: …` under it.
import type { Found, Verifier } from '../reads-output.ts';

export const go: Verifier = {
  name: 'go',
  category: 'build',
  read: (output) => {
    const lines = output.lines();
    // Lines of this form alone are what many compilers write.
    const found = lines.some((line) => /^(?:# \S|vet: )/.test(line) || /^[^\s:]+\.go:\d+:\d+: /.test(line))
      ? placesIn(lines)
      : [];
    return found.length === 0 ? null : found;
  },
};

export const placesIn = (lines: readonly string[]): readonly Found[] => {
  const found: Found[] = [];
  for (const line of lines) {
    const placed = /^(vet: )?([^\s:][^:]{0,1000}\.go):(\d{1,7})(?::(\d{1,7}))?: (.*)$/.exec(line);
    const last = found.at(-1);
    if (placed) {
      const [, , file, row, column, message = ''] = placed;
      found.push({
        level: 'error',
        message,
        file,
        line: Number(row),
        column: column === undefined ? undefined : Number(column),
      });
    } else if (last && /^\t\S/.test(line) && last.message.length < 2_000)
      found[found.length - 1] = { ...last, message: `${last.message}\n${line}` };
  }
  return found;
};
