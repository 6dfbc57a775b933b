export interface Line {
  readonly price: number;
  readonly count: number;
}

export const total = (lines: readonly Line[]): number =>
  lines.reduce((sum, { price, count }) => sum + price * count, 0);
