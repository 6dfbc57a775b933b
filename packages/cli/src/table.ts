// Rows of cells as columns of text.
import { cut, padded, widthOf } from './text.ts';

/** Wider cells are cut, other than the last. */
const cellMax = 48;

/** Columns of cells, as wide as they must be; the last one is cut at the edge. */
export const table = (rows: readonly (readonly string[])[], columns: number): string[] => {
  const widths = (rows[0] ?? []).map((_, at) =>
    rows.reduce((width, row) => Math.max(width, Math.min(cellMax, widthOf(row[at] ?? ''))), 0),
  );
  return rows.map((row) =>
    cut(
      row
        .map((cell, at) => (at === row.length - 1 ? cell : padded(cut(cell, widths[at] ?? 0), widths[at] ?? 0)))
        .join('  ')
        .trimEnd(),
      columns,
    ),
  );
};
