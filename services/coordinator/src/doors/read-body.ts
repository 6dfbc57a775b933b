// The body of a request: bounded JSON, of a version that this installation knows, of the shape that was asked for.
import { decode } from '@capstan/bus';
import type { z } from 'zod';
import { fieldsOf, firstIssue, Refusal } from './refusal.ts';

export const readBody = <Schema extends z.ZodType>(
  data: Uint8Array,
  schema: Schema,
): { readonly value: z.output<Schema>; readonly raw: Record<string, unknown> } => {
  const decoded = decode(data);
  if (!decoded.ok) {
    throw new Refusal(decoded.reason === 'too_large' ? 'too_large' : 'invalid', decoded.message, {
      reason: decoded.reason,
      hint:
        decoded.reason === 'too_large'
          ? 'Put a large plan into the object store and name it as plan_ref.'
          : 'A request is one JSON object in UTF-8.',
    });
  }
  const raw = decoded.value as Record<string, unknown>;
  if (raw['v'] !== undefined && raw['v'] !== 1) {
    throw new Refusal(
      'invalid',
      `Version ${JSON.stringify(raw['v'])?.slice(0, 32)} of this message is not known here; this is version 1.`,
      { reason: 'unsupported_version', fields: [{ path: 'v', issue: 'must be 1 or be left out' }] },
    );
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return { value: parsed.data, raw };
  const fields = fieldsOf(parsed.error.issues);
  throw new Refusal('invalid', firstIssue(fields), { fields });
};
