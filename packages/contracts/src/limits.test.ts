// What must hold between the numbers, and what breaks where it doesn't.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from './limits.ts';

const KiB = 1_024;
/** The server's default `max_payload`, headers included. */
const payloadMax = 1_024 * KiB;
/** The server takes no larger atomic batch (error 10199). */
const batchMax = 1_000;
/** A cluster of three takes up to this long to choose another leader (measured: 5 to 8 s). */
const leaderChangeMs = 8_000;

const atMost = (less: number, more: number, why: string) => assert.ok(less <= more, `${less} <= ${more}: ${why}`);

test('every number is positive and finite', () => {
  for (const [name, value] of Object.entries(limits)) assert.ok(Number.isFinite(value) && value > 0, name);
});

test('liveness: missing two beats is not yet being gone', () => {
  atMost(
    limits.heartbeatMs * 3,
    limits.ackWaitMs,
    'an agent that beats on time would see its order redelivered to another',
  );
  atMost(limits.heartbeatMsMin, limits.heartbeatMs, 'the default would be refused in a plan');
  atMost(limits.agentBeatMs * 3, limits.agentTtlMs, 'one lost beat of a live agent would turn its steps to blocked');
  atMost(limits.memberBeatMs * 3, limits.memberTtlMs, 'one lost beat of a coordinator would move its partitions');
});

test('a change of leader is no death', () => {
  atMost(
    leaderChangeMs + limits.memberBeatMs,
    limits.memberTtlMs,
    'every coordinator would lose its partitions at once',
  );
  atMost(leaderChangeMs * 2, limits.publishTimeoutMs, 'a publish would be given up while the server is coming back');
});

test('silence is found before an order is spent', () => {
  atMost(
    limits.timeoutMs,
    limits.maxDeliver * limits.ackWaitMs,
    'an order whose agents keep dying would turn invisible before its own timeout ends the attempt',
  );
  atMost(limits.heartbeatMs, limits.timeoutMs, 'an attempt would time out before it could be heard once');
  atMost(limits.timeoutMs, limits.timeoutMsMax, 'the default would be refused in a plan');
});

test('a body fits into a message with its headers', () => {
  atMost(
    limits.bodyBytesMax + 64 * KiB,
    payloadMax,
    'a body could not be dead-lettered: its reasons travel as headers beside it',
  );
});

test('a snapshot fits into messages, and its messages into one batch', () => {
  const recordBytes = limits.outputInlineBytesMax + 3 * KiB;
  atMost(
    recordBytes * limits.stepsPerPage,
    payloadMax,
    'a page of large outputs could not be stored, and the task would stand still',
  );
  atMost(
    Math.ceil(limits.planStepsMax / limits.stepsPerPage) + 1,
    batchMax,
    'the pages and the head of the largest plan could not change as one',
  );
});

test('a checkpoint can follow', () => {
  atMost(
    limits.liveSnapshotAfterMs,
    limits.checkpointEveryMs,
    'a checkpoint would find the same tasks unwritten each time and stay put',
  );
  atMost(
    limits.endedSnapshotEveryMs,
    limits.liveSnapshotAfterMs,
    'a task that ended would be shown later than one that still changes',
  );
});

test('attempts and growth are bounded by what a plan may ask for', () => {
  atMost(limits.maxAttemptsDefault, limits.maxAttemptsMax, 'the default would be refused in a plan');
  atMost(limits.initialDelayMs, limits.maxDelayMs, 'the first delay would already be cut');
  assert.ok(
    limits.jitter < 1 && limits.multiplier >= 1,
    'a retry would come at once, or each one sooner than the last',
  );
  atMost(limits.addStepsMax, limits.planStepsMax, 'one report could ask for more steps than a plan may hold');
  atMost(limits.budgetStepsDefault, limits.planStepsMax, 'the default budget would allow what a plan may not hold');
  atMost(limits.readBatch, limits.maxAckPending, 'one batch of events could order more than a queue hands out');
});

test('people have time, and what they need is still there when they come', () => {
  atMost(limits.approvalExpiresMs, limits.interventionExpiresMsMax, 'the default would be refused in a plan');
  atMost(limits.questionExpiresMs, limits.interventionExpiresMsMax, 'the default would be refused in a report');
  atMost(limits.interventionExpiresMsMax, limits.dlqAgeMs, 'a person who answers last would find the dead letter gone');
  atMost(
    limits.cancelGraceMs,
    limits.drainMs,
    'an agent that drains would be cut off in the middle of stopping its work',
  );
});

test('the name of an order outlives everybody who might say it again', () => {
  atMost(limits.publishTimeoutMs * 2, limits.orderNameMs, 'a publisher would store again what was done and purged');
  atMost(limits.memberTtlMs * 2, limits.orderNameMs, 'a coordinator that lost its partitions would order anew');
  atMost(limits.purgeEveryMs, limits.orderNameMs, 'orders would be kept for longer than their names are needed');
});

test('new tasks are refused while there is still room for the old ones', () => {
  assert.ok(limits.submitSpaceShare < 0.9, 'reports and cancels need the rest to end what runs');
});
