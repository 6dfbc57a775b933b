// Puts measurements into docs/performance.md, between the marks that stand there for them.
//   node bench/write-performance.ts FILE.jsonl ...    lines of `npm run bench`, and of a bench of several engines
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { compared, type PeerLine } from './compare.ts';
import { type BenchLine, measured, remarked } from './tables.ts';

const page = join(import.meta.dirname, '../docs/performance.md');

const files = process.argv.slice(2);
if (files.length === 0) {
  process.stderr.write('usage: node bench/write-performance.ts [--print] FILE.jsonl ...\n');
  process.exit(2);
}
const print = files[0] === '--print';
const lines = (print ? files.slice(1) : files).flatMap((file, at) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text) as BenchLine | PeerLine)
    // A round of one file is no round of another.
    .map((line) => ('peer' in line ? { ...line, rep: Number(line.rep) + at * 1_000 } : line)),
);
const peers = lines.filter((line): line is PeerLine => 'peer' in line && line['tasksPerSec'] !== undefined);
const ours = lines.filter((line): line is BenchLine => 'bench' in line);
const isScale = ({ bench }: BenchLine): boolean => !/^W\d/.test(bench);
const [plain, scale] = [ours.filter((line) => !isScale(line)), ours.filter(isScale)];
const on = `Measured on ${availableParallelism()} cores with Node.js ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}.\n\n`;
const remarks = remarked(scale);

const parts: Readonly<Record<string, string>> = {
  workloads: plain.length === 0 ? '' : on + measured(plain),
  peers: peers.length === 0 ? '' : on + compared(peers),
  scale: scale.length === 0 ? '' : `${on}${measured(scale)}\n\`\`\`jsonl\n${remarks}\`\`\`\n`,
};
if (print) process.stdout.write(Object.values(parts).join('\n'));
else {
  let text = readFileSync(page, 'utf8');
  for (const [name, part] of Object.entries(parts).filter(([, each]) => each !== '')) {
    const [before = '', rest = ''] = text.split(`<!-- ${name} -->\n`);
    const [, after] = rest.split(`<!-- end of ${name} -->`);
    if (after === undefined)
      throw new Error(`docs/performance.md has no <!-- ${name} --> and <!-- end of ${name} -->.`);
    text = `${before}<!-- ${name} -->\n${part}<!-- end of ${name} -->${after}`;
  }
  writeFileSync(page, text);
}
