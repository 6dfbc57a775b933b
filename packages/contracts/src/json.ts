// JSON as a shape: what may travel inside an input, an output or metadata.
import { z } from 'zod';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Bodies are parsed and bounded before a schema sees them, so here any value will do. */
export const json: z.ZodType<Json> = z.unknown() as unknown as z.ZodType<Json>;
export const jsonObject = z.record(z.string(), json);
