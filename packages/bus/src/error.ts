// The one error that the bus throws.

export type BusErrorCode =
  /** Somebody else wrote first: load again. */
  | 'conflict'
  /** Nobody answered in time: wait, and try again. */
  | 'unavailable'
  /** What is stored can't be read: put it aside. */
  | 'corrupt'
  /** Larger than the server takes. */
  | 'too_large'
  /** The stream takes nothing more. */
  | 'full'
  /** The credentials don't allow it: waiting won't help. */
  | 'forbidden';

export class BusError extends Error {
  override readonly name = 'BusError';
  readonly code: BusErrorCode;
  constructor(code: BusErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export const isBusError = (error: unknown, code?: BusErrorCode): error is BusError =>
  error instanceof BusError && (code === undefined || error.code === code);
