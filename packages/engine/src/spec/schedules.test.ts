// Rules: a schedule submits its task at each time that is due, under a name made of that time. What is due while one of its tasks has not ended, and
// what was missed, is as its policies say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '@capstan/contracts';
import { schedule, type ScheduleState } from '../actors/schedule.ts';
import { ActorWorld } from '../actors/testing.ts';

const minute = 60_000;

class Schedule extends ActorWorld<ScheduleState> {
  put(more: Readonly<Record<string, Json>> = {}): this {
    const spec = { name: 'nightly', cron: '* * * * *', task: { title: 'Clean' }, ...more };
    return this.tell('put', [String(this.seq)], { spec, by: 'alice' });
  }
  /** The clock of the alarm that is set, with what became due meanwhile. */
  due(...minutesAgo: number[]): this {
    const times = (minutesAgo.length > 0 ? minutesAgo : [0]).map((ago) => this.at - ago * minute);
    return this.later(1).tell('due', [String(this.state.n)], { times });
  }
  ends(task: string | undefined): this {
    return this.tell('ended', [task ?? '', '7'], { status: 'succeeded' });
  }
  get submitted(): unknown[] {
    return this.of('submit').map(({ request }) => request['task_id']);
  }
  get running(): number {
    return this.state.running.length;
  }
  get outcomes(): string[] {
    return this.state.recent.map(({ outcome }) => outcome);
  }
}
const given = (more: Readonly<Record<string, Json>> = {}) => new Schedule(schedule).put(more);

test('put: the alarm is set for what comes after; the same once more changes nothing', () => {
  const world = given({ time_zone: 'Europe/Berlin' });
  const timing = { cron: '* * * * *', time_zone: 'Europe/Berlin' };
  assert.deepEqual(world.of('due'), [{ kind: 'due', n: 1, after: world.at, timing }]);
  assert.equal(world.put({ time_zone: 'Europe/Berlin' }).ignored, 'it is so already');
});

test('a time that is due submits the task under a name of its own, and sets the next alarm', () => {
  const world = given().due();
  assert.deepEqual(world.of('submit')[0]?.request, { title: 'Clean', task_id: 'nightly-20260101T000000Z' });
  assert.deepEqual([world.of('due')[0]?.n, world.of('due')[0]?.after], [2, Date.UTC(2026, 0, 1)]);
});

test('an alarm that rings twice, or was set for what is no longer wanted, submits nothing', () => {
  const world = given().due();
  assert.match(world.tell('due', ['1'], { times: [world.at] }).ignored ?? '', /alarm 1 is no longer set/);
  assert.match(world.put({ cron: '0 3 * * *' }).tell('due', ['2'], { times: [world.at] }).ignored ?? '', /alarm 2/);
});

test('overlap, skip (unless something else is said): not while one of its tasks has not ended', () => {
  const world = given().due().later(minute).due();
  assert.deepEqual([world.submitted, world.outcomes], [[], ['started', 'skipped']]);
  assert.equal(world.ends(world.state.running[0]).later(minute).due().submitted.length, 1);
});

test('overlap, queue: one after the other', () => {
  const world = given({ overlap: 'queue' }).due().later(minute).due().later(minute).due();
  assert.deepEqual([world.running, world.state.queued.length], [1, 2]);
  assert.deepEqual(world.ends(world.state.running[0]).submitted, ['nightly-20260101T000100Z']);
  assert.deepEqual([world.running, world.state.queued.length], [1, 1]);
});

test('overlap, cancel_other: what runs is stopped, and the new one begins', () => {
  const world = given({ overlap: 'cancel_other' }).due().later(minute).due();
  assert.deepEqual(
    world.of('cancel').map(({ task }) => task),
    ['nightly-20260101T000000Z'],
  );
  assert.deepEqual([world.submitted, world.running], [['nightly-20260101T000100Z'], 1]);
});

test('overlap, allow: each by itself', () => {
  assert.equal(given({ overlap: 'allow' }).due().later(minute).due().running, 2);
});

test('catch up, latest (unless something else is said): of what was missed only the newest', () => {
  const world = given()
    .later(60 * minute)
    .due(30, 20, 10);
  assert.deepEqual([world.submitted, world.outcomes], [['nightly-20260101T005000Z'], ['missed', 'missed', 'started']]);
});

test('catch up, all: each of them', () => {
  assert.equal(
    given({ catch_up: 'all', overlap: 'allow' })
      .later(60 * minute)
      .due(30, 20, 10).submitted.length,
    3,
  );
});

test('catch up, none: what is late by more than a minute is missed', () => {
  const world = given({ catch_up: 'none', overlap: 'allow' })
    .later(60 * minute)
    .due(30, 10, 0.5);
  assert.deepEqual(world.outcomes, ['missed', 'missed', 'started']);
});

test('a time said in so many words is due even where it has passed', () => {
  assert.equal(new Schedule(schedule).put({ at: '2025-12-31T23:59:59Z' }).of('due')[0]?.after, 0);
});

test('paused: no alarm is set; put again: from then on', () => {
  const world = given({ paused: true });
  assert.deepEqual([world.of('due'), schedule.standing(world.state)], [[], []]);
  assert.equal(world.later(minute).put().of('due')[0]?.after, world.at);
});

test('deleted: nothing is due any more; what runs goes on, and what waited is forgotten', () => {
  const world = given({ overlap: 'queue' }).due().later(minute).due().tell('deleted', ['x']);
  assert.deepEqual([world.of('due'), world.state.queued, world.running], [[], [], 1]);
  assert.deepEqual(world.ends(world.state.running[0]).submitted, []);
  assert.equal(world.tell('deleted', ['y']).ignored, 'there is no such schedule');
});

test('a task that could not be taken is none that runs, and says why', () => {
  const world = given().due();
  world.tell('refused', [world.state.running[0] ?? ''], { reason: 'no such template' });
  assert.deepEqual(
    [world.running, world.outcomes.at(-1), world.state.recent.at(-1)?.why],
    [0, 'refused', 'no such template'],
  );
});
