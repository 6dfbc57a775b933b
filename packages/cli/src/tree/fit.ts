// Chooses what of a tree is drawn where there is less room than it needs: what is happening first, what is done last.
import type { StepStatus } from '@capstan/contracts';
import type { Node } from './graph.ts';

export interface Fitted {
  readonly node: Node;
  readonly children: readonly Fitted[];
  /** Children that found no room, each with all that hangs below it. */
  readonly left: readonly Node[];
}

const interest: Readonly<Record<StepStatus, number>> = {
  failed: 0,
  awaiting_approval: 0,
  awaiting_input: 0,
  running: 1,
  retrying: 1,
  blocked: 2,
  ready: 3,
  cancelled: 4,
  pending: 5,
  skipped: 6,
  succeeded: 7,
};

export const fit = (root: Node, lines: number): Fitted => {
  const all: Node[] = [];
  const walk = (node: Node) => {
    for (const child of node.children) {
      all.push(child);
      walk(child);
    }
  };
  walk(root);
  const ranked = all
    .map((node, at) => ({
      node,
      at,
      rank: node.steps.reduce((least, { status }) => Math.min(least, interest[status]), 9),
    }))
    .toSorted((a, b) => a.rank - b.rank || a.at - b.at)
    .map(({ node }) => node);
  let [fits, tooMany] = [0, ranked.length + 1];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (linesOf(root, keep(ranked, middle)) <= lines) fits = middle;
    else tooMany = middle;
  }
  return fitted(root, keep(ranked, fits));
};

/** The first so many, each with all above it. */
const keep = (ranked: readonly Node[], count: number): Set<Node> => {
  const kept = new Set<Node>();
  for (const node of ranked.slice(0, count)) {
    for (let above: Node | null = node; above && !kept.has(above); above = above.parent) kept.add(above);
  }
  return kept;
};

const linesOf = (node: Node, kept: ReadonlySet<Node>): number => {
  const shown = node.children.filter((child) => kept.has(child));
  const own = shown.length < node.children.length ? 1 : 0;
  return shown.reduce((sum, child) => sum + 1 + linesOf(child, kept), own);
};

const fitted = (node: Node, kept: ReadonlySet<Node>): Fitted => ({
  node,
  children: node.children.filter((child) => kept.has(child)).map((child) => fitted(child, kept)),
  left: node.children.filter((child) => !kept.has(child)),
});
