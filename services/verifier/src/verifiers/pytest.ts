// pytest, by the summary that it closes with. Its JUnit XML (`--junit-xml`) says more, and is read by `junit`.
import type { Found, Verifier } from '../reads-output.ts';

export const pytest: Verifier = {
  name: 'pytest',
  category: 'test',
  read: (output) => {
    const lines = output.lines();
    const from = lines.findIndex((line) => /^=+ short test summary info =+$/.test(line));
    const isOver = lines.some((line) =>
      /^(?:=+ )?(?:\d+ (?:passed|failed|errors?|skipped|xfailed|xpassed|deselected|warnings?)(?:, )?)+ in [\d.]+s/.test(
        line,
      ),
    );
    if (from < 0 && !isOver) return null;
    const found: Found[] = [];
    for (const line of from < 0 ? [] : lines.slice(from + 1)) {
      const said = /^(FAILED|ERROR) (\S.*?)(?: - (.*))?$/.exec(line);
      if (!said) continue;
      const [, what, id = '', why] = said;
      const [file = '', ...names] = id.split('::');
      const name = names.join('::');
      const section = sectionOf(lines, file, names.join('.'));
      found.push({
        level: 'error',
        message: `${what === 'ERROR' ? 'error in ' : ''}${name || file}: ${why ?? raisedIn(section) ?? 'failed'}`,
        file,
        line: lineOf(section, file),
        rule: id,
        same: name,
      });
    }
    return found;
  },
};

/** What is under the heading of a test, or of a file that could not be loaded. */
const sectionOf = (lines: readonly string[], file: string, title: string): readonly string[] => {
  const isTitle = (line: string): boolean =>
    /^_{3,} /.test(line) && ((title !== '' && line.includes(` ${title} _`)) || line.includes(` ${file} _`));
  const from = lines.findIndex(isTitle);
  if (from < 0) return [];
  const rest = lines.slice(from + 1, from + 400);
  const end = rest.findIndex((line) => /^(?:_{3,} |={3,} )/.test(line));
  return end < 0 ? rest : rest.slice(0, end);
};

/** The last line of its own file: where it failed, or what of it was on the way there. */
const lineOf = (section: readonly string[], file: string): number | undefined => {
  const last = section.findLast((line) => line.startsWith(`${file}:`));
  const row = /^:(\d{1,7}):/.exec(last?.slice(file.length) ?? '')?.[1];
  return row === undefined ? undefined : Number(row);
};

const raisedIn = (section: readonly string[]): string | undefined =>
  /^E {3,}(\S.*)$/.exec(section.findLast((line) => /^E {3,}\S/.test(line)) ?? '')?.[1];
