// How a command ends: the numbers that scripts branch on, and the one error that carries such a number.

export const exits = { ok: 0, failed: 1, usage: 2, notFound: 3, conflict: 4, unavailable: 5, timedOut: 6 } as const;
export type Exit = (typeof exits)[keyof typeof exits];

/** For the help, in the order of the numbers. */
export const exitMeanings: readonly (readonly [Exit, string])[] = [
  [exits.ok, 'done as asked'],
  [exits.failed, 'what was asked about failed: the task failed, or the answer is an error'],
  [exits.usage, 'a mistake in how the command was typed, or in the configuration'],
  [exits.notFound, 'there is no such task, request or dead letter'],
  [exits.conflict, 'a conflict: already decided, ended or expired, or the id is taken by another task'],
  [exits.unavailable, 'nobody answers: NATS is out of reach, or no coordinator is running'],
  [exits.timedOut, 'waited as long as --timeout allows'],
];

export interface Detail {
  readonly code: string;
  readonly hint?: string | undefined;
  readonly fields?: readonly { readonly path: string; readonly issue: string }[] | undefined;
}

/** Ends a command: says what is wrong, what to do about it, and with which number. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exit: Exit;
  readonly detail: Detail;
  constructor(exit: Exit, message: string, detail: Detail, options?: ErrorOptions) {
    super(message, options);
    this.exit = exit;
    this.detail = detail;
  }
}

export const mistake = (message: string, hint?: string): CommandError =>
  new CommandError(exits.usage, message, { code: 'usage', hint });
