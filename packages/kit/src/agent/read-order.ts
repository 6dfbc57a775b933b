// A delivery as an order: decoded, checked, and true to the subject it came under. What is none is buried by the loop.
import { decode, type Delivery } from '@capstan/bus';
import {
  type DlqReason,
  type Names,
  type Order,
  order,
  parseEventSubject,
  parseOrderSubject,
  plainOrder,
} from '@capstan/contracts';

export type ReadOrder =
  | { readonly ok: true; readonly order: Order; readonly key: string }
  | { readonly ok: false; readonly reason: DlqReason; readonly message: string };

/** An order holds an input of up to 512 KiB, and what its step depends on. */
const orderBytesMax = 1_024 * 1_024;

export const readOrder = (names: Names, delivery: Pick<Delivery, 'subject' | 'data'>): ReadOrder => {
  const decoded = decode(delivery.data, { bytesMax: orderBytesMax });
  if (!decoded.ok) return { ok: false, reason: 'malformed', message: decoded.message };
  const version = decoded.value.v;
  if (version !== undefined && version !== 1) {
    return {
      ok: false,
      reason: 'unsupported_version',
      message: `This agent understands version 1, and the order says ${JSON.stringify(version)}.`,
    };
  }
  const plain = plainOrder(decoded.value);
  if (plain !== null) return agreed(names, delivery.subject, plain);
  const parsed = order.safeParse(decoded.value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return {
      ok: false,
      reason: 'malformed',
      message: `The order is not one: ${issue?.path.join('.')}: ${issue?.message}.`,
    };
  }
  return agreed(names, delivery.subject, parsed.data);
};

const agreed = (names: Names, subject: string, body: Order): ReadOrder => {
  const mistake = disagreement(names, subject, body);
  return mistake ? { ok: false, reason: 'malformed', message: mistake } : { ok: true, order: body, key: keyOf(body) };
};

/** The idempotency key for anything outside. */
export const keyOf = (order: Pick<Order, 'task_id' | 'step_id' | 'attempt'>): string =>
  `${order.task_id}.${order.step_id}.${order.attempt}`;

/** Who may publish an order is decided by its subject, so a body must not speak for another one, nor name a place of its own to report to. */
const disagreement = (names: Names, subject: string, body: Order): string | null => {
  const said = parseOrderSubject(names, subject);
  if (!said) return 'The subject is not that of an order.';
  if (said.task !== body.task_id || said.step !== body.step_id || said.attempt !== body.attempt) {
    return 'The subject and the body name different attempts.';
  }
  const to = parseEventSubject(names, body.report_to);
  if (to?.kind !== 'report' || to.task !== body.task_id || /[*>\s]/.test(body.report_to))
    return 'report_to is not where this attempt reports.';
  return null;
};
