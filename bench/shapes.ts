// The plans that the benches run: ready ones, of `noop` steps alone, so that what is measured is everything around the work.

export type Shape =
  | { readonly kind: 'single' }
  | { readonly kind: 'chain'; readonly n: number }
  /** So many at once, and one that waits for them all. */
  | { readonly kind: 'fan'; readonly n: number };

interface Step {
  readonly id: string;
  readonly capability: 'noop';
  readonly each?: { readonly count: number };
  readonly depends_on?: readonly string[];
}

const stepsOf = (shape: Shape): Step[] => {
  switch (shape.kind) {
    case 'single':
      return [{ id: 'work', capability: 'noop' }];
    case 'chain':
      return Array.from({ length: shape.n }, (_, at) => ({
        id: `s${at}`,
        capability: 'noop',
        ...(at === 0 ? {} : { depends_on: [`s${at - 1}`] }),
      }));
    case 'fan':
      return [
        { id: 'work', capability: 'noop', each: { count: shape.n } },
        { id: 'join', capability: 'noop', depends_on: ['work'] },
      ];
    default:
      return shape satisfies never;
  }
};

/** Waits for a person, and does one step then. */
export const waitingBody = JSON.stringify({
  plan: {
    steps: [
      { id: 'gate', capability: 'approval' },
      { id: 'work', capability: 'noop', depends_on: ['gate'] },
    ],
  },
});

/** The join counts as a step. */
export const stepCount = (shape: Shape): number =>
  shape.kind === 'single' ? 1 : shape.n + (shape.kind === 'fan' ? 1 : 0);

/** A submission without its id. */
export const bodyOf = (shape: Shape): string => JSON.stringify({ plan: { steps: stepsOf(shape) } });

/** Throws unless the task did all of its steps, each once. */
export const mustBeRight = (
  shape: Shape,
  { status, counts }: { readonly status: string; readonly counts: Readonly<Record<string, number>> },
): void => {
  const others = Object.entries(counts).filter(([name, count]) => name !== 'succeeded' && count > 0);
  if (status === 'succeeded' && counts['succeeded'] === stepCount(shape) && others.length === 0) return;
  throw new Error(`A ${shape.kind} of ${stepCount(shape)} steps ended as ${status} with ${JSON.stringify(counts)}.`);
};
