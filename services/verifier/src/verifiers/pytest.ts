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
    const sections = sectionsOf(from < 0 ? [] : lines.slice(0, from));
    for (const line of from < 0 ? [] : lines.slice(from + 1)) {
      const said = /^(FAILED|ERROR) (\S.*?)(?: - (.*))?$/.exec(line);
      if (!said) continue;
      const [, what, id = '', why] = said;
      const [file = '', ...names] = id.split('::');
      const name = names.join('::');
      const section = sections.get(names.join('.')) ?? sections.get(file) ?? [];
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

const sectionMax = 400;

/** What is under the heading of each test, or of each file that could not be loaded. */
const sectionsOf = (lines: readonly string[]): Map<string, string[]> => {
  const sections = new Map<string, string[]>();
  let open: string[] | undefined;
  for (const line of lines) {
    const title = /^_{3,} (?:ERROR (?:at \w+ of|collecting) )?(.+) _{3,}$/.exec(line)?.[1];
    if (title !== undefined) {
      open = [];
      if (!sections.has(title)) sections.set(title, open);
    } else if (/^={3,} /.test(line)) open = undefined;
    else if (open && open.length < sectionMax) open.push(line);
  }
  return sections;
};

/** The last line of its own file: where it failed, or what of it was on the way there. */
const lineOf = (section: readonly string[], file: string): number | undefined => {
  const last = section.findLast((line) => line.startsWith(`${file}:`));
  const row = /^:(\d{1,7}):/.exec(last?.slice(file.length) ?? '')?.[1];
  return row === undefined ? undefined : Number(row);
};

const raisedIn = (section: readonly string[]): string | undefined =>
  /^E {3,}(\S.*)$/.exec(section.findLast((line) => /^E {3,}\S/.test(line)) ?? '')?.[1];
