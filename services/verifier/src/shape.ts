// Looking into values that nobody vouches for: what is not of the kind that was expected is not there.
export type Shape = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is Shape =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const recordOf = (value: unknown): Shape => (isRecord(value) ? value : {});

export const recordsOf = (value: unknown): readonly Shape[] =>
  Array.isArray(value) ? (value as unknown[]).filter(isRecord) : [];

export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Lines and columns begin at 1 in what people read. */
export const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 ? value : undefined;
