// Where a process spends its time: a sampling profile of one phase, told as the functions and the places that took most of it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Inspector, inspectorOf } from './inspector.ts';
import type { System } from './system.ts';

/** What the inspector gives, as far as it is read here. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly children?: readonly number[];
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Profiling {
  /** Ends it, writes each profile into the folder, and gives what to read. */
  stop(folder: string, phase: string): Promise<string>;
}

const checkout = join(import.meta.dirname, '..');
const intervalUs = 200;
const functionsShown = 30;
const placesShown = 12;

/** The processes are those of the system, and `client`, which is this one. */
export const startProfiling = async (system: System, names: readonly string[]): Promise<Profiling> => {
  const inspectors = new Map<string, Inspector>();
  for (const name of names) inspectors.set(name, await inspectorOf(system, name));
  for (const inspector of inspectors.values()) {
    await inspector.post('Profiler.enable');
    await inspector.post('Profiler.setSamplingInterval', { interval: intervalUs });
    await inspector.post('Profiler.start');
  }
  return {
    stop: async (folder, phase) => {
      mkdirSync(folder, { recursive: true });
      const told: string[] = [];
      for (const [name, inspector] of inspectors) {
        const { profile } = (await inspector.post('Profiler.stop')) as { profile: Profile };
        inspector.close();
        const file = join(folder, `${phase}-${name}.cpuprofile`);
        writeFileSync(file, JSON.stringify(profile));
        told.push(`${phase} ${name} (${relative(process.cwd(), file)})\n${tell(profile)}`);
      }
      return told.join('\n');
    },
  };
};

type Node = Profile['nodes'][number];

const tell = ({ nodes, samples, timeDeltas }: Profile): string => {
  const byNode = new Map<number, number>();
  samples.forEach((id, at) => byNode.set(id, (byNode.get(id) ?? 0) + (timeDeltas[at] ?? 0)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const callers = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)));
  /** The function of ours on whose behalf it ran; where there is none, the outermost that ran. */
  const onBehalf = (node: Node): string => {
    for (let at = node; ; ) {
      const caller = byId.get(callers.get(at.id) ?? -1);
      if (isOurs(at) || caller === undefined || caller.callFrame.functionName === '(root)') return nameOf(at);
      at = caller;
    }
  };
  const [places, ours, functions] = [new Map(), new Map(), new Map()] as [Shares, Shares, Shares];
  let [busy, idle] = [0, 0];
  for (const node of nodes) {
    const self = (byNode.get(node.id) ?? 0) / 1_000;
    if (node.callFrame.functionName === '(idle)') {
      idle += self;
      continue;
    }
    busy += self;
    add(places, roomOf(node), self);
    add(ours, onBehalf(node), self);
    add(functions, nameOf(node), self);
  }
  const lines = (of: Shares, most: number) =>
    [...of]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, most)
      .map(([what, ms]) => `${ms.toFixed(1).padStart(9)} ms ${((ms / busy) * 100).toFixed(1).padStart(5)} %  ${what}\n`)
      .join('');
  return (
    `busy ${busy.toFixed(0)} ms, idle ${idle.toFixed(0)} ms\n` +
    `by place\n${lines(places, placesShown)}by function\n${lines(functions, functionsShown)}` +
    `by function of ours, with what it calls outside\n${lines(ours, functionsShown)}`
  );
};

type Shares = Map<string, number>;

const add = (to: Map<string, number>, key: string, value: number) => void to.set(key, (to.get(key) ?? 0) + value);

const nameOf = (node: Node): string => {
  const { functionName, url, lineNumber } = node.callFrame;
  return url === ''
    ? functionName || '(native)'
    : `${functionName || '(anonymous)'}  ${placeOf(url)}:${lineNumber + 1}`;
};

const placeOf = (url: string): string => {
  if (!url.startsWith('file:')) return url;
  const path = relative(checkout, fileURLToPath(url));
  // pnpm repeats the name of a package on the way to it.
  return path.replace(/^.*node_modules\//, '');
};

const isOurs = ({ callFrame: { url } }: Node): boolean => /^(packages|services|bench)\//.test(placeOf(url));

const roomOf = ({ callFrame: { url, functionName } }: Node): string => {
  if (url === '') return functionName || '(native)';
  const place = placeOf(url);
  return /^(packages|services)\/[^/]+|^node:|^@[^/]+\/[^/]+|^[^/]+/.exec(place)?.[0] ?? place;
};
