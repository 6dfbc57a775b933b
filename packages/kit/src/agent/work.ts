// One order from delivery to acknowledgement: run it, store the report, then acknowledge. The other way round, a crash in
// between would lose the answer. This runs for every order, so what only some work needs is made when it is asked for.
import type { Bus, Delivery, Objects } from '@capstan/bus';
import { type Artifact, limits, type Order, timeMs } from '@capstan/contracts';
import type { Config } from '../config.ts';
import { type Logger, stepLog } from '../log.ts';
import { type Mask, newMask } from '../masking.ts';
import type { Outcome } from '../outcome.ts';
import { type Attempt, type Ended, startAttempt } from './attempt.ts';
import { type Cancels, patienceOf } from './cancels.ts';
import { newClaimCheck } from './claim-check.ts';
import { type AgentContext, newContext } from './context.ts';
import { newOutputLog, type OutputLog } from './output-log.ts';
import { persist } from './persist.ts';
import type { Pulse } from './pulse.ts';
import { composeReport } from './report.ts';
import type { ServerClock } from './server-clock.ts';

export interface Work {
  /** The same order again, while it is being worked on: this delivery is acknowledged with the first. */
  join(delivery: Delivery): void;
  /** Stops it and hands it back, so that another agent takes it. */
  handBack(withinMs: number): void;
  /** True once the report is stored, false where it was handed back. Never throws. */
  readonly over: Promise<boolean>;
}

export interface WorkParts<Own> {
  readonly bus: Bus;
  readonly objects: Objects;
  readonly agent: string;
  readonly config: Config<Own>;
  readonly log: Logger;
  readonly processMask: Mask;
  readonly cancels: Cancels;
  readonly clock: ServerClock;
  readonly pulse: Pulse;
  /** Aborted when the process can wait no longer. */
  readonly closing: AbortSignal;
  readonly run: (order: Order, context: AgentContext<Own>) => Promise<Outcome>;
}

/** An order that was handed back is not delivered again at once: whoever handed it back may still be among the takers. */
export const handBackMs = 1_000;
/** How long a report waits for the last lines of output. */
const logPatienceMs = 1_000;

export const startWork = <Own>(parts: WorkParts<Own>, order: Order, key: string, delivery: Delivery): Work => {
  const { bus, agent, pulse } = parts;
  const deliveries = [delivery];
  const work = prepare(parts, order, key);
  const pulsing = {
    everyMs: beatOf(order),
    beat: () => {
      for (const each of deliveries) each.working();
    },
    begun: () =>
      bus.tell(
        bus.names.progress(order.task_id, order.step_id),
        JSON.stringify({ attempt: order.attempt, agent, kind: 'started' }),
      ),
  };
  pulse.add(pulsing);
  const forget = parts.cancels.watch(key, (cancelled) => {
    work.log().info({ reason: cancelled.reason }, 'Cancelled.');
    work.attempt.stop('cancel', patienceOf(cancelled, Date.now()));
  });
  const finished = (stored: boolean): boolean => {
    pulse.remove(pulsing);
    forget();
    return stored;
  };
  const over = finish(parts, order, work, deliveries).then(finished, (error: unknown) => {
    // Not acknowledged, so it is delivered again: to this process, or to one that can.
    work.log().error({ error }, 'An order could not be finished; it will be delivered again.');
    return finished(false);
  });
  return {
    join: (again) => void deliveries.push(again),
    handBack: (withinMs) => work.attempt.stop('drain', withinMs),
    over,
  };
};

/** Well under both the order's own heartbeat and the time after which the server delivers again. */
const beatOf = (order: Order): number => Math.max(100, Math.min(order.heartbeat_ms, limits.ackWaitMs) / 3);

/** An attempt's time begins when its order is handed out (docs/decisions/0008): in its queue it may have waited for longer than it may take. */
const timeLeft = (order: Order, clock: ServerClock): number => order.timeout_ms ?? timeMs(order.deadline) - clock.now();

interface Prepared {
  readonly attempt: Attempt;
  log(): Logger;
  report(ended: Ended): string | Promise<string>;
  /** Null where nothing was printed. */
  closeLog(): Promise<void> | null;
}

const prepare = <Own>(parts: WorkParts<Own>, order: Order, key: string): Prepared => {
  const { bus, objects, agent, config, processMask, run } = parts;
  const { names } = bus;
  let stepLogger: Logger | null = null;
  const log = (): Logger => (stepLogger ??= stepLog(parts.log, order));
  // What another step has written into the files that this one sees may hold the secrets of that step.
  const mask = newMask({ wider: processMask });
  const artifacts: Artifact[] = [];
  const claims = newClaimCheck({ objects, names, order });
  let output: OutputLog | null = null;
  const outputLog = (): OutputLog =>
    (output ??= newOutputLog({
      attempt: order.attempt,
      mask,
      append: (line) => bus.append({ subject: names.log(order.task_id, order.step_id), data: JSON.stringify(line) }),
    }));
  const startedAt = performance.now();
  if (parts.log.isLevelEnabled('debug')) log().debug({ capability: order.capability }, 'Started.');
  const attempt = startAttempt(
    (signal) =>
      run(
        order,
        newContext({ bus, order, agent, key, config, log, signal, mask, processMask, claims, outputLog, artifacts }),
      ),
    timeLeft(order, parts.clock),
    parts.cancels.past(key) ? 'cancel' : undefined,
  );
  return {
    attempt,
    log,
    closeLog: () => output?.close(logPatienceMs) ?? null,
    report: (ended) => {
      const outcome = 'outcome' in ended ? ended.outcome : ended.stopped;
      return composeReport({ order, agent, outcome, artifacts, wallMs: performance.now() - startedAt, mask, claims });
    },
  };
};

const finish = async <Own>(
  parts: WorkParts<Own>,
  order: Order,
  work: Prepared,
  deliveries: readonly Delivery[],
): Promise<boolean> => {
  const { bus, closing } = parts;
  const ended = await work.attempt.ended;
  note(parts, work, ended);
  const printed = work.closeLog();
  if (printed !== null) await printed;
  if ('stopped' in ended && ended.stopped === 'drain') return giveBack(deliveries);

  const data = await persist('The report', () => work.report(ended), work.log, closing);
  if (data === null) return giveBack(deliveries);
  const said = await persist('The report', () => bus.once({ subject: order.report_to, data }), work.log, closing);
  if (said === null) return giveBack(deliveries);
  // Not an error: the first report of an attempt wins, so this one came second.
  if (said.again) work.log().debug('This attempt had been reported before.');
  // Where one of these gets lost, the order comes again, and is let go of then.
  for (const delivery of deliveries) delivery.letGo();
  return true;
};

const giveBack = (deliveries: readonly Delivery[]): boolean => {
  for (const delivery of deliveries) delivery.later(handBackMs);
  return false;
};

const note = <Own>(parts: WorkParts<Own>, work: Prepared, ended: Ended): void => {
  if ('stopped' in ended) {
    if (ended.late)
      work.log().warn({ why: ended.stopped }, 'The work did not stop when it was told to, and is not waited for.');
    else work.log().debug({ why: ended.stopped }, 'Stopped.');
  } else if ('crash' in ended) work.log().error({ error: ended.crash }, 'The agent threw an error.');
  else if (ended.outcome.kind === 'failed')
    work.log().info({ code: ended.outcome.code, reason: ended.outcome.message }, 'Failed.');
  else if (parts.log.isLevelEnabled('debug')) work.log().debug('Done.');
};
