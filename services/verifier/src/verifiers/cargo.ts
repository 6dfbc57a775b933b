// Cargo and Clippy, `--message-format=json`: a message of the compiler a line; and what `cargo test` says of tests, which is for people only.
import { placeIn } from '../place.ts';
import type { Found, Verifier } from '../reads-output.ts';
import { countOf, recordOf, recordsOf, type Shape, textOf } from '../shape.ts';

export const cargo: Verifier = {
  name: 'cargo',
  category: 'build',
  read: (output) => {
    const messages = output.records().filter(({ reason }) => typeof reason === 'string');
    const lines = output.lines();
    const hasTests = lines.some((line) => /^test result: (?:ok|FAILED)\. \d+ passed/.test(line));
    if (messages.length === 0 && !hasTests) return null;
    return [...compiled(messages), ...(hasTests ? tested(lines) : [])];
  },
};

const compiled = (messages: readonly Shape[]): Found[] => {
  // The library and its tests are compiled one after the other, and both say the same.
  const said = new Set<string>();
  return messages.flatMap((one): Found[] => {
    const message = recordOf(one['message']);
    const { level } = message;
    const spans = recordsOf(message['spans']);
    const span = spans.find((each) => each['is_primary'] === true) ?? spans[0];
    const rule = textOf(recordOf(message['code'])['code']);
    // "aborting due to 2 previous errors", "3 warnings emitted"
    if (
      one['reason'] !== 'compiler-message' ||
      (span === undefined && rule === undefined && level !== 'error: internal compiler error')
    )
      return [];
    const found: Found = {
      level: level === 'warning' ? 'warning' : String(level).startsWith('error') ? 'error' : 'note',
      message: textOf(message['message']) ?? '',
      file: textOf(span?.['file_name']),
      line: countOf(span?.['line_start']),
      column: countOf(span?.['column_start']),
      rule,
      ...(rule?.startsWith('clippy::') ? { category: 'lint' } : {}),
    };
    const key = JSON.stringify(found);
    if (said.has(key)) return [];
    said.add(key);
    return [found];
  });
};

const tested = (lines: readonly string[]): Found[] => {
  const headings = new Map(lines.flatMap((line, at) => (line.startsWith('---- ') ? [[line, at] as const] : [])));
  return lines.flatMap((line): Found[] => {
    const name = /^test (\S.{0,500}) \.\.\. FAILED/.exec(line)?.[1];
    if (name === undefined) return [];
    const at = headings.get(`---- ${name} stdout ----`);
    const after = at === undefined ? [] : lines.slice(at + 1, at + 40);
    const end = after.findIndex((one) => /^(?:---- .* ----|failures:|stack backtrace:|note: )/.test(one));
    const why = after
      .slice(0, end < 0 ? undefined : end)
      .join('\n')
      .trim();
    const gist = why.replace(/^thread '.*\n/, '');
    return [
      {
        level: 'error',
        category: 'test',
        message: gist === '' ? name : `${name}: ${gist}`,
        ...placeIn(why),
        rule: name,
        same: name,
      },
    ];
  });
};
