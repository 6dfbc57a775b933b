// What a verification found.
import { z } from 'zod';

export const finding = z.looseObject({
  severity: z.enum(['major', 'medium', 'minor']),
  category: z.string().max(64),
  message: z.string().max(4_096),
  location: z.string().max(1_024).optional(),
  rule: z.string().max(256).optional(),
  fingerprint: z.string().max(128).optional(),
});
export type Finding = z.infer<typeof finding>;

/** What more findings than allowed do to a step: a person is asked, it fails for good, or it is only noted. */
const over = z.enum(['ask', 'abort', 'warn']);

/** More findings of a step than this are too many. */
export const thresholds = z.looseObject({
  max_major: z.int().min(0).optional(),
  max_medium: z.int().min(0).optional(),
  max_minor: z.int().min(0).optional(),
  /** For all, or by severity; `ask` where nothing is said. */
  over: z
    .union([over, z.looseObject({ major: over.optional(), medium: over.optional(), minor: over.optional() })])
    .optional(),
});
export type Thresholds = z.infer<typeof thresholds>;
