// How many executors there should be, and which may go. No clock, no engine, no NATS in here: what is known comes in, what to do comes out.

export interface Member {
  readonly id: string;
  /** Null while it has not announced itself, or no longer does. */
  readonly seen: { readonly busy: number; readonly concurrency: number; readonly draining: boolean } | null;
  readonly startedAt: number;
  /** Since when it has had nothing to do; null while it works. */
  readonly idleSince: number | null;
  /** It has worked on something since it was started. */
  readonly used: boolean;
  /** It was told to go. */
  readonly leaving: boolean;
}

export interface Known {
  readonly now: number;
  readonly members: readonly Member[];
  /** Orders that nobody has taken yet. */
  readonly waiting: number;
  /** What one executor takes at a time, where none has said so yet. */
  readonly concurrency: number;
}

export interface Rule {
  readonly min: number;
  readonly max: number;
  /** How long one has nothing to do before it may go. */
  readonly idleMs: number;
  /** One that has worked is replaced once it has nothing to do, so that what it holds on to is nobody else's. */
  readonly fresh: boolean;
}

export interface Decision {
  readonly start: number;
  /** These have nothing to do. */
  readonly stop: readonly string[];
}

export const decide = ({ now, members, waiting, concurrency }: Known, { min, max, idleMs, fresh }: Rule): Decision => {
  const staying = members.filter(({ leaving, seen }) => !leaving && seen?.draining !== true);
  const busy = staying.reduce((sum, { seen }) => sum + (seen?.busy ?? 0), 0);
  const each = staying.find(({ seen }) => seen !== null)?.seen?.concurrency ?? concurrency;
  const wanted = Math.max(min, Math.min(max, Math.ceil((busy + waiting) / each)));
  // One that is being started will take what waits, so it counts as if it were there.
  if (wanted > staying.length) return { start: wanted - staying.length, stop: [] };
  const idle = staying
    .filter(({ seen, idleSince }) => seen?.busy === 0 && idleSince !== null && now - idleSince >= idleMs)
    // The longest idle first; the name decides between equals.
    .toSorted((a, b) => (a.idleSince as number) - (b.idleSince as number) || (a.id < b.id ? -1 : 1));
  const tooMany = waiting > 0 ? 0 : staying.length - wanted;
  const going = idle.slice(0, tooMany);
  if (going.length > 0 || !fresh || waiting > 0) return { start: 0, stop: going.map(({ id }) => id) };
  // One at a time, so that there is always somebody.
  const spent = idle.find(({ used }) => used);
  return spent === undefined ? { start: 0, stop: [] } : { start: staying.length <= wanted ? 1 : 0, stop: [spent.id] };
};
