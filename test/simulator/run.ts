// One seed, one run: a server, coordinators, agents and people in virtual time; a phase of chaos, a phase of healing, a restart of everything;
// watched all the time, and audited at the end.
import { type Broker, keyRingOf } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import { newCounts, startCoordinator } from '@capstan/coordinator';
import { rulesVersion, taskEnded } from '@capstan/engine';
import { beginAgent } from './agents.ts';
import { audit, newMs, refusedIn } from './audit.ts';
import { Timeline } from './clock.ts';
import { stillToArchive } from './audit-archive.ts';
import { randomSettings } from './installation.ts';
import { forgets, isShort, randomKeeping } from './keeping.ts';
import { waitsForOthers } from './leave.ts';
import { Oracle } from './oracle.ts';
import { beginPeople } from './people.ts';
import { randomTask } from './plans.ts';
import { type Life, SimProcess } from './process.ts';
import { randomFrom } from './random.ts';
import { isScheduled, randomSchedules } from './schedules.ts';
import { watch, type Watch } from './watch.ts';
import { weatherOf } from './weather.ts';

export interface RunResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly steps: number;
  readonly events: number;
  readonly orders: number;
  readonly tasks: number;
  readonly ended: number;
  readonly faults: number;
  readonly virtualMs: number;
  /** A fingerprint of what was stored: the same seed gives the same, always. */
  readonly trace: string;
}

const ring = keyRingOf({ current: 'k1', keys: { k1: Buffer.alloc(32, 7).toString('base64') } });
const partitions = 2;
const healMs = 900_000;
const lateTimes = 4;
const lateMs = 10_000;
const lastBlowMs = 2_500;
const archivedMs = 120_000;

export const run = async (seed: number, options: { trace?: (line: string) => void } = {}): Promise<RunResult> => {
  const random = randomFrom(`seed ${seed}`);
  const timeline = new Timeline();
  const begun = timeline.now();
  const { trace: print } = options;
  const trace = (line: string): void => print?.(`${((timeline.now() - begun) / 1_000).toFixed(3)} s  ${line}`);
  const violations = new Set<string>();
  const wrong = (text: string): void => {
    if (!violations.has(text)) trace(`VIOLATION ${text}`);
    violations.add(text);
  };

  const weather = weatherOf(random, timeline, trace);
  const { broker, isCalm } = weather;
  const settings = randomSettings(random.fork('settings'));
  const keeping = randomKeeping(random.fork('keeping'));
  const oracle = new Oracle({ broker, ring, settings, partitions, wrong });
  const watching = watch(broker, oracle, keeping, wrong);
  const shared = { broker, timeline, onDeath: weather.onDeath };

  // In some runs a newer version is rolled out while it storms, and rolled back now and then; in the end everybody has it.
  const release = weather.rollout(rulesVersion);
  const beginCoordinator =
    (number: number) =>
    ({ bus, clock, life, die }: Life) => {
      let ids = 0;
      const log = (fields: object, text: string): void => {
        if (print !== undefined) trace(`coordinator-${number}: ${text} ${JSON.stringify(fields, errors)}`);
        if (count === 1 && weather.isSwift && text.includes('somebody else wrote'))
          wrong(`the only coordinator was overtaken by itself: ${JSON.stringify(fields, errors)}`);
      };
      return startCoordinator({
        bus,
        names: bus.names,
        ring,
        clock,
        counts: newCounts(),
        settings,
        keeping,
        partitions,
        member: `m${number}-${life}`,
        rules: release(),
        newId: () => `n${number}x${life}x${(ids += 1)}`,
        log: {
          info: log,
          warn: log,
          error: (fields, text) => {
            log(fields, text);
            if (text.includes('quarantined') || text.includes('rolled back'))
              wrong(`${text}: ${JSON.stringify(fields, errors)}`);
          },
        },
        fatal: die,
      });
    };
  const count = random.pick([1, 1, 2, 2, 3]);
  const coordinators = Array.from({ length: count }, (_, number) => {
    const own = random.fork(`coordinator ${number}`);
    const { crashChance } = weather;
    const begin = beginCoordinator(number);
    return new SimProcess({
      ...shared,
      name: `coordinator-${number}`,
      random: own,
      crashChance,
      frostAt: weather.frostAt,
      restartMs: [50, 3_000],
      begin,
    });
  });

  const ran = new Set<string>();
  const agentsOf = (queue: string, capabilities: readonly string[], count: number, learns?: string[]): SimProcess[] =>
    Array.from({ length: count }, (_, number) => {
      const own = random.fork(`agent ${queue} ${number}`);
      const can = { queue, capabilities, ...(learns === undefined ? {} : { learns }) };
      const begin = (life: Life) => beginAgent(`${number}`, life, { ...can, random: own, calm: isCalm, ran });
      const { crashChance } = weather;
      return new SimProcess({
        ...shared,
        name: `${queue}-${number}`,
        random: own,
        crashChance,
        // Some stay away for so long that their queue counts as deserted.
        restartMs: [50, seed % 11 === 0 ? 45_000 : 4_000],
        begin,
      });
    });
  const agents = [
    ...agentsOf('workers', ['work'], random.int(1, 2)),
    ...agentsOf('others', ['verify', 'notify', 'plan'], 1),
  ];
  // Whoever can do the rare thing comes late; the thing that nobody can do is done by nobody.
  const late = agentsOf('rare', ['idle', 'work'], 1, ['rare', 'work']);

  const chaosMs = random.pick([5_000, 15_000, 25_000, 40_000]);
  const tasks = Array.from({ length: random.int(1, 5) }, (_, number) =>
    randomTask(random.fork(`task ${number}`), `t${number}`, begun),
  );
  const schedules = randomSchedules(random.fork('schedules'), begun, settings);
  const [accepted, refused, overSchedules] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const [whims, taken] = [random.fork('whims'), new Set<string>()];
  const returning = isShort(keeping) && !forgets(keeping) ? { taken, wrong, random: random.fork('returning') } : null;
  const people = new SimProcess({
    ...shared,
    name: 'people',
    random: random.fork('people'),
    crashChance: () => 0,
    restartMs: [100, 200],
    begin: (life) =>
      beginPeople(life, {
        ...{ broker, random: whims, tasks, accepted, refused, schedules, overSchedules, calm: isCalm, chaosMs },
        returning,
      }),
  });

  for (const one of [...coordinators, ...agents, people]) one.start();
  timeline.later(random.int(1_000, chaosMs), () => late.forEach((one) => one.start()));
  weather.begin(coordinators, agents);

  await timeline.until(begun + chaosMs - lastBlowMs);
  weather.lastBlow();
  await timeline.until(begun + chaosMs);
  weather.clear();
  weather.roll(coordinators);
  // Until all is over and stored, and at most as long as every time-out, every delay and every person may take.
  const isSaid = (): boolean =>
    tasks.length === accepted.size + refused.size && schedules.length === overSchedules.size;
  const isOver = (): boolean => isSaid() && looksOver(broker, oracle, watching, accepted);
  // Before, somebody may still come who can do what nobody could.
  await timeline.until(timeline.now() + lateMs);
  const heal = async (): Promise<void> => {
    for (const end = timeline.now() + healMs; timeline.now() < end && !isOver(); )
      await timeline.until(timeline.now() + 2_000);
  };
  // Whatever comes late comes now: frozen processes wake up, the memberships of the dead end. What waited for an agent or for leave may go on by
  // that, and then there is more to wait for.
  for (let left = lateTimes; left > 0; left -= 1) {
    await heal();
    await timeline.until(timeline.now() + limits.memberTtlMs);
    if (isOver()) break;
  }
  if (!isSaid()) wrong('somebody is still about to submit a task, or to delete a schedule, and nobody lets him');
  const audited = { broker, oracle, watch: watching, accepted, ran, wrong, keeping, taken };
  const ended = audit(audited);
  const before = new Set(watching.orders);
  const events = broker.streams.get(broker.names.streams.events);
  let lastSeq = events?.last ?? 0;
  // What came just now may wait for its turn.
  while (lastSeq > 0 && (events?.at(lastSeq)?.at ?? 0) > timeline.now() - newMs) lastSeq -= 1;

  // All at once are killed; who comes after them must find everything, and nothing left to order.
  for (const one of coordinators) one.crash('was killed for the last check');
  await timeline.until(timeline.now() + limits.memberTtlMs + 10_000);
  // Somebody may have come just now who can do what nobody could.
  await heal();
  // By now whoever looks finds everything in its place, and takes away what nobody needs.
  for (const end = timeline.now() + archivedMs; timeline.now() < end && stillToArchive(audited) !== null; )
    await timeline.until(timeline.now() + 2_000);
  const still = stillToArchive(audited);
  if (still !== null) wrong(still);
  audit(audited);
  // A deadline may pass meanwhile; what follows from events of before has been ordered before.
  const causeOf = (subject: string): number =>
    oracle.tasks.get(subject.split('.')[3] ?? '')?.orders.get(subject)?.seq ?? 0;
  const more = [...watching.orders].filter((subject) => !before.has(subject) && causeOf(subject) <= lastSeq);
  if (more.length > 0) wrong(`a restart ordered more: ${more.join(', ')}`);

  for (const one of [...coordinators, ...agents, ...late, people]) one.crash('at the end');
  const result = {
    seed,
    violations: [...violations],
    steps: timeline.steps,
    events: events?.last ?? 0,
    orders: watching.orders.size,
    tasks: tasks.length,
    ended,
    faults: weather.faults,
    virtualMs: timeline.now() - begun,
    trace: fingerprint(broker),
  };
  broker.close();
  return result;
};

/** Whether every task has ended, errands included, or is blocked for want of an agent, and is stored as that. */
const looksOver = (broker: Broker, oracle: Oracle, watching: Watch, accepted: ReadonlySet<string>): boolean => {
  for (const actor of oracle.actors.values())
    if (actor.owed.some((owed) => owed.effect.kind === 'submit' && !watching.isStored(actor, owed))) return false;
  const scheduled = [...oracle.tasks.keys()].filter(isScheduled);
  return [...accepted, ...scheduled].every((id) => {
    const newest = oracle.tasks.get(id)?.versions.at(-1);
    if (newest === undefined) return refusedIn(broker).has(id);
    if (watching.covered.get(id) !== newest.seq) return false;
    const { status, errands, counts, open } = newest.state;
    const { blocked = 0, pending = 0 } = counts;
    if (status === 'queued') return waitsForOthers(oracle, newest.state);
    return errands === 0 && (taskEnded(status) || (blocked > 0 && open === blocked + pending));
  });
};

const fingerprint = (broker: Broker): string => {
  let hash = 0x811c9dc5;
  for (const name of [broker.names.streams.events, broker.names.streams.orders]) {
    for (const { subject } of broker.streams.get(name)?.all(['>']) ?? [])
      for (let at = 0; at < subject.length; at += 1) hash = Math.imul(hash ^ subject.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
};

const errors = (_key: string, value: unknown): unknown =>
  value instanceof Error ? `${value.name}: ${value.message}` : value;
