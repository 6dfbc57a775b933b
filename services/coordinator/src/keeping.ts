// What is kept how long. The numbers are limits; an installation may set its own.
import { limits } from '@capstan/contracts';

export interface Keeping {
  /** The name of an order that was stored stays at least so long. Infinity: for ever, and nothing is ever purged. */
  readonly orderNameMs: number;
  /** Between two looks at what may go. */
  readonly purgeEveryMs: number;
}

export const defaultKeeping: Keeping = {
  orderNameMs: limits.orderNameMs,
  purgeEveryMs: limits.purgeEveryMs,
};
