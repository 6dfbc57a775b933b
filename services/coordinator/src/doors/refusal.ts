// How a request is refused: one shape for every door.
import type { ApiError, DlqReason, ErrorCode, Field } from '@capstan/contracts';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: ErrorCode;
  /** What a dead letter says of it, where the door is the plain one. */
  readonly reason: DlqReason;
  readonly hint: string | undefined;
  readonly fields: readonly Field[];
  constructor(
    code: ErrorCode,
    message: string,
    more: { reason?: DlqReason; hint?: string; fields?: readonly Field[] } = {},
  ) {
    super(message);
    this.code = code;
    this.reason = more.reason ?? reasonOf(code);
    this.hint = more.hint;
    this.fields = more.fields ?? [];
  }

  get body(): ApiError {
    return {
      error: {
        code: this.code,
        message: this.message,
        ...(this.hint === undefined ? {} : { hint: this.hint }),
        ...(this.fields.length === 0 ? {} : { fields: [...this.fields] }),
      },
    };
  }
}

const reasonOf = (code: ErrorCode): DlqReason => {
  if (code === 'conflict' || code === 'too_large' || code === 'forbidden' || code === 'quota') return code;
  return code === 'internal' ? 'internal' : 'invalid';
};

const fieldsMax = 20;

/** Issues of a schema as fields: `plan.steps[1].depends_on[0]`. */
export const fieldsOf = (
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): Field[] => issues.slice(0, fieldsMax).map((issue) => ({ path: pathOf(issue.path), issue: issue.message }));

/** The first of them as a sentence; some say what must be ("must be an id"), some are sentences of their own. */
export const firstIssue = ([first]: readonly Field[]): string => {
  const { path, issue } = first ?? { path: '', issue: 'is not what is expected' };
  return `${path || 'The body'}${/^[A-Z]/.test(issue) ? ':' : ''} ${issue.replace(/\.$/, '')}.`;
};

const pathOf = (path: readonly PropertyKey[]): string =>
  path
    .map((part, at) =>
      typeof part === 'number' ? `[${part}]` : at === 0 ? short(String(part)) : `.${short(String(part))}`,
    )
    .join('');

/** A key may be as long as a body; what is said about it may not. */
const short = (text: string): string => (text.length > 64 ? `${text.slice(0, 63)}…` : text);
