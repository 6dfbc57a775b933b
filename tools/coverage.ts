// Reads the reports that NODE_V8_COVERAGE leaves behind and counts lines that hold code: not comments, not types.
// A source that no process loaded counts as uncovered.
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const overallMin = 80;
const engineMin = 90;
const worstMax = 12;
// What tests are made of, and programs for whoever works on the code.
const forTests = /\.(test|fixture|d)\.ts$|\/(testing|worlds|bench|diagram|generate)\.ts$|\/property\//;

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}
interface Report {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly { readonly ranges: readonly Range[] }[];
  }[];
}
interface Tally {
  lines: number;
  covered: number;
}

export function coverageTable(root: string, reportsDir: string): { text: string; isEnough: boolean } {
  const sources = globSync(['packages/*/src/**/*.ts', 'services/*/src/**/*.ts'], { cwd: root })
    .filter((file) => !forTests.test(file))
    .sort();
  const executed = executedCharacters(
    reportsDir,
    new Map(sources.map((file) => [pathToFileURL(join(root, file)).href, file])),
  );
  const files = sources.map((file) => ({
    file,
    ...tallyFile(readFileSync(join(root, file), 'utf8'), executed.get(file)),
  }));
  const rooms = Map.groupBy(files, ({ file }) => file.split('/', 2).join('/'));
  const rows = [...rooms].map(([room, tallies]) => ({ name: room, ...total(tallies) }));
  const overall = total(files);
  const engine = total(rooms.get('packages/engine') ?? []);
  const isEnough = percent(overall) >= overallMin && percent(engine) >= engineMin;
  const worst = files
    .filter(({ lines, covered }) => covered < lines)
    .sort((a, b) => b.lines - b.covered - (a.lines - a.covered));
  const text = [
    '',
    'lines covered',
    ...[
      ...rows,
      { name: `overall (at least ${overallMin} %)`, ...overall },
      { name: `engine (at least ${engineMin} %)`, ...engine },
    ].map(row),
    '',
    'most lines missing',
    ...worst.slice(0, worstMax).map(({ file, ...tally }) => row({ name: file, ...tally })),
    ...(isEnough ? [] : ['', 'Too little of the code is run by tests.']),
    '',
  ].join('\n');
  return { text, isEnough };
}

/** For each source, which of its characters some process has executed. */
function executedCharacters(dir: string, fileOf: ReadonlyMap<string, string>): Map<string, Uint8Array> {
  const all = new Map<string, Uint8Array>();
  for (const name of readdirSync(dir)) {
    for (const { url, functions } of parseReport(join(dir, name))) {
      const file = fileOf.get(url);
      if (file === undefined) continue;
      const one = executedIn(functions.flatMap(({ ranges }) => ranges));
      const known = all.get(file);
      if (known) one.subarray(0, known.length).forEach((flag, at) => (known[at] ||= flag));
      else all.set(file, one);
    }
  }
  return all;
}

/** A process that was killed while it wrote leaves half a report. */
function parseReport(file: string): Report['result'] {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as Report).result;
  } catch {
    return [];
  }
}

/** V8 lists an enclosing range before those inside it, and the innermost decides. */
function executedIn(ranges: readonly Range[]): Uint8Array {
  const flags = new Uint8Array(Math.max(0, ...ranges.map(({ endOffset }) => endOffset)));
  for (const { startOffset, endOffset, count } of ranges) flags.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return flags;
}

export function tallyFile(source: string, executed: Uint8Array | undefined): Tally {
  // Stripping puts spaces in place of the types, so every offset stays where it was.
  const code = stripTypeScriptTypes(source);
  let offset = 0;
  const tally = { lines: 0, covered: 0 };
  for (const line of code.split('\n')) {
    const start = offset + line.search(/\S/);
    const end = offset + line.trimEnd().length;
    offset += line.length + 1;
    if (/^\s*($|\/\/|\/\*|\*|export \{\}|[\])};,]*\s*$)/.test(line)) continue;
    tally.lines++;
    if (executed?.subarray(start, end).includes(1)) tally.covered++;
  }
  return tally;
}

function total(tallies: readonly Tally[]): Tally {
  return tallies.reduce((sum, { lines, covered }) => ({ lines: sum.lines + lines, covered: sum.covered + covered }), {
    lines: 0,
    covered: 0,
  });
}

function percent({ lines, covered }: Tally): number {
  return lines === 0 ? 100 : (100 * covered) / lines;
}

function row({ name, ...tally }: Tally & { name: string }): string {
  return `  ${name.padEnd(52)} ${String(tally.covered).padStart(6)} /${String(tally.lines).padStart(6)} ${percent(tally).toFixed(1).padStart(6)} %`;
}
