// A plan as a tree that can be drawn: a step hangs under the nearest step through which all ways to it lead (its
// dominator), so a join stands beside the branches that it joins. Large families of equal steps become one node.
import type { StepRecord, StepStatus } from '@capstan/contracts';

export interface Node {
  /** A step's id, or what the ids of a family begin with. */
  readonly name: string;
  /** One for a step, more for a family. */
  readonly steps: readonly (StepRecord & { readonly title?: unknown })[];
  /** Names of the nodes that it comes after. */
  readonly after: readonly string[];
  readonly children: Node[];
  /** How deep it is drawn; the task itself is 0. */
  readonly depth: number;
  readonly parent: Node | null;
}

/** This many equal steps are shown one by one, more as a single line. */
const familyShown = 4;
/** Deeper steps are drawn at this depth, and say what they come after. */
const depthShown = 8;

export const treeOf = (steps: Readonly<Record<string, StepRecord>>): Node => {
  const gathered = gather(steps);
  const nodeOfStep = new Map<string, string>();
  for (const { name, members } of gathered.values()) for (const id of members) nodeOfStep.set(id, name);
  const after = new Map<string, string[]>();
  for (const { name, dependencies } of gathered.values()) {
    const names = dependencies.map((id) => nodeOfStep.get(id) ?? (gathered.has(id) ? id : undefined));
    after.set(name, [...new Set(names.filter((other) => other !== undefined && other !== name) as string[])]);
  }
  const root: Node = { name: '', steps: [], after: [], children: [], depth: 0, parent: null };
  const nodes = new Map<string, Node>();
  for (const name of inOrder(after)) {
    const before = after.get(name) ?? [];
    const above = before.map((other) => nodes.get(other)).filter((node) => node !== undefined);
    const dominator = above.length === 0 ? root : above.reduce(meet);
    const parent = dominator.depth < depthShown ? dominator : (dominator.parent ?? root);
    const members = gathered.get(name)?.members ?? [];
    const node: Node = {
      name,
      steps: members.map((id) => steps[id] as StepRecord),
      after: before,
      children: [],
      depth: parent.depth + 1,
      parent,
    };
    parent.children.push(node);
    nodes.set(name, node);
  }
  return root;
};

/** Whether its place in the tree doesn't already say what it comes after. */
export const isJoin = (node: Node): boolean =>
  node.after.length > 1 || (node.after.length === 1 && node.after[0] !== node.parent?.name);

export const countsOf = (nodes: Iterable<Node>): Map<StepStatus, number> => {
  const counts = new Map<StepStatus, number>();
  for (const node of nodes) for (const { status } of node.steps) counts.set(status, (counts.get(status) ?? 0) + 1);
  return counts;
};

interface Gathered {
  readonly name: string;
  readonly members: string[];
  readonly dependencies: readonly string[];
}

/** Steps `<name>-<number>` with the same dependencies are a family. */
const gather = (steps: Readonly<Record<string, StepRecord>>): Map<string, Gathered> => {
  const families = new Map<string, string[]>();
  const familyOf = (id: string, step: StepRecord) => {
    const base = /^(.+)-\d+$/.exec(id)?.[1];
    return base === undefined ? undefined : `${base} ${step.depends_on.join(' ')}`;
  };
  for (const [id, step] of Object.entries(steps)) {
    const family = familyOf(id, step);
    if (family === undefined) continue;
    const members = families.get(family);
    if (members) members.push(id);
    else families.set(family, [id]);
  }
  const gathered = new Map<string, Gathered>();
  for (const [id, step] of Object.entries(steps)) {
    const members = families.get(familyOf(id, step) ?? '') ?? [];
    const base = id.replace(/-\d+$/, '');
    // Two families of one name, or a step of that name, could not be told apart: then each step stands for itself.
    const alone =
      members.length <= familyShown || base in steps || (gathered.get(base)?.members ?? members)[0] !== members[0];
    const name = alone ? id : base;
    if (!gathered.has(name))
      gathered.set(name, { name, members: alone ? [id] : members, dependencies: step.depends_on });
  }
  return gathered;
};

/** Every name after those that it comes after, otherwise as they were; what is part of a cycle comes last. */
const inOrder = (after: ReadonlyMap<string, readonly string[]>): string[] => {
  const waiting = new Map([...after].map(([name, before]) => [name, before.length]));
  const followers = new Map<string, string[]>();
  for (const [name, before] of after) {
    for (const other of before) {
      const list = followers.get(other);
      if (list) list.push(name);
      else followers.set(other, [name]);
    }
  }
  const order = [...after.keys()].filter((name) => waiting.get(name) === 0);
  const placed = new Set(order);
  for (const name of order) {
    for (const follower of followers.get(name) ?? []) {
      const left = (waiting.get(follower) ?? 0) - 1;
      waiting.set(follower, left);
      if (left !== 0) continue;
      order.push(follower);
      placed.add(follower);
    }
  }
  return [...order, ...[...after.keys()].filter((name) => !placed.has(name))];
};

/** The nearest node above both, or one of them. */
const meet = (a: Node, b: Node): Node => {
  let [left, right]: [Node, Node] = [a, b];
  while (left !== right) {
    if (left.depth >= right.depth) left = left.parent ?? left;
    else right = right.parent ?? right;
    if (left.depth === 0 && right.depth === 0) return left;
  }
  return left;
};
