// Who may import whom. TypeScript refuses what a package.json does not list; this refuses what it must not list.
import { posix } from 'node:path';
import { type Breach, isCode, isForTests, type Law, roomOf, withoutComments, withoutStrings } from './source.ts';

interface Room {
  /** Which of our packages. */
  readonly ours: readonly string[];
  /** Which others; all but the NATS client where nothing is said. */
  readonly others?: readonly string[];
  /** Whether it speaks NATS itself. */
  readonly speaksNats?: boolean;
}

const agent: Room = { ours: ['contracts', 'kit', 'models'] };
/** An agent that runs commands. */
const worker: Room = { ours: ['contracts', 'kit', 'models', 'sandbox'] };
const all = ['contracts', 'engine', 'bus', 'kit'];

const rooms: Readonly<Record<string, Room>> = {
  'packages/contracts': { ours: [], others: ['zod'] },
  'packages/engine': { ours: ['contracts'], others: ['@marcbachmann/cel-js', 'node:crypto'] },
  'packages/bus': { ours: ['contracts'], speaksNats: true },
  'packages/kit': { ours: ['contracts', 'bus'] },
  'packages/models': { ours: ['kit'] },
  'packages/sandbox': { ours: ['contracts', 'kit'] },
  'packages/cli': { ours: all },
  'services/coordinator': { ours: all },
  'services/planner': agent,
  'services/executor': worker,
  'services/verifier': worker,
  'services/notifier': agent,
  // Tests stand outside: they may put any of the parts together.
  test: { ours: [...all, 'executor', 'coordinator', 'sandbox'] },
  // Measures from outside, with a client such as users write.
  bench: { ours: [...all, 'executor'], speaksNats: true },
};
const nothingOfOurs: Room = { ours: [] };
const natsClient = /^(nats|@nats-io\/.*)$/;

export const directions: Law = (source) => {
  if (!isCode(source.path)) return [];
  return importsOf(source.text).flatMap(({ line, name }): Breach[] => {
    const what = name.startsWith('.') ? refuseFile(source.path, name) : refusePackage(source.path, name);
    return what === undefined ? [] : [{ path: source.path, line, what }];
  });
};

const refuseFile = (path: string, name: string): string | undefined => {
  const target = posix.join(posix.dirname(path), name);
  const [from, to] = [roomOf(path), roomOf(target)];
  if (from === to || (from === 'test' && to === 'tools')) return undefined;
  return `${name} is a file of ${to}: import the package, and only what its index.ts names`;
};

const refusePackage = (path: string, name: string): string | undefined => {
  const room = roomOf(path);
  const { ours, others, speaksNats } = rooms[room] ?? nothingOfOurs;
  const [, own, beyond] = /^@capstan\/([^/]+)(\/.*)?$/.exec(name) ?? [];
  if (own !== undefined) {
    if (!ours.includes(own))
      return `${room} must not import ${name}; of ours it may import: ${ours.join(', ') || 'nothing'}`;
    if (beyond === undefined || (beyond === '/testing' && isForTests(path))) return undefined;
    return `${name} reaches past the index.ts of its package`;
  }
  if (natsClient.test(name) && speaksNats !== true)
    return `${name}: only packages/bus knows the NATS client; say it with the bus`;
  if (others && !others.includes(name) && !isForTests(path))
    return `${room} may import ${others.join(', ')} and not ${name}`;
  return undefined;
};

const importsOf = (text: string): { line: number; name: string }[] => {
  const code = withoutComments(text);
  const pattern =
    /^[ \t]*(?:import|export)\b[^;'"`]*?\bfrom\s*['"]([^'"]+)['"]|^[ \t]*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;
  const bare = withoutStrings(text);
  return [...code.matchAll(pattern)]
    .filter((match) => bare[match.index + match[0].search(/\S/)] !== ' ') // an import in a string imports nothing
    .map((match) => ({
      line: code.slice(0, match.index).split('\n').length,
      name: match[1] ?? match[2] ?? match[3] ?? '',
    }));
};
