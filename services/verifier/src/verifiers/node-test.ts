// What `node --test` prints by itself: at the end, each test that failed with its place and why. `--test-reporter=tap` is for programs.
import { placeIn } from '../place.ts';
import type { Found, Verifier } from '../reads-output.ts';

export const nodeTest: Verifier = {
  name: 'node-test',
  category: 'test',
  read: (output) => {
    const lines = output.lines();
    if (!lines.some((line) => /^ℹ tests \d+$/.test(line))) return null;
    const from = lines.findIndex((line) => /^✖ failing tests:$/.test(line));
    const found: Found[] = [];
    for (const [at, line] of from < 0 ? [] : lines.slice(from).entries()) {
      const place = /^test at (.+)$/.exec(line)?.[1];
      const name = /^✖ (.*?)(?: \([\d.]+ms\))?$/.exec(lines[from + at + 1] ?? '')?.[1];
      if (place === undefined || name === undefined) continue;
      const rest = lines.slice(from + at + 2, from + at + 60);
      const end = rest.findIndex((one) => /^\s+at |^\S|^ {2}\[?cause/.test(one));
      const why = rest
        .slice(0, end < 0 ? undefined : end)
        .join('\n')
        .trim();
      found.push({
        level: 'error',
        message: why === '' ? name : `${name}: ${why}`,
        ...placeIn(place),
        rule: name,
        same: name,
      });
    }
    return found;
  },
};
