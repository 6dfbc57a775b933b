// One seed, one run: a server, coordinators, agents and people in virtual time; a phase of chaos, a phase of healing, then the audit.
import { Broker, keyRingOf, textOf } from '@capstan/bus';
import { defaultSettings, isEnded, limits, type Settings, type TaskRecord } from '@capstan/contracts';
import { type Coordinator, defaultKeeping, newCounts, startCoordinator } from '@capstan/coordinator';
import { beginAgent } from './agents.ts';
import { audit } from './audit.ts';
import { Timeline } from './clock.ts';
import { beginPeople } from './people.ts';
import { randomTask } from './plans.ts';
import { SimProcess } from './process.ts';
import { randomFrom } from './random.ts';

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
const settings: Settings = {
  ...defaultSettings,
  cancel_grace_ms: 3_000,
  approval: { ...defaultSettings.approval, expires_ms: 60_000 },
};

export const run = async (seed: number, options: { trace?: (line: string) => void } = {}): Promise<RunResult> => {
  const random = randomFrom(`seed ${seed}`);
  const timeline = new Timeline();
  const trace = options.trace ?? (() => {});
  const begun = timeline.now();
  let faults = 0;
  let isCalm = false;
  // Swarm: each seed has its own mixture of faults, so that rare ones are not always drowned by common ones.
  const chaos = swarm(random.fork('swarm'));
  const weather = random.fork('weather');
  const happens = (probability: number): boolean => {
    if (isCalm || probability === 0 || !weather.chance(probability)) return false;
    faults += 1;
    return true;
  };
  const broker = new Broker({
    clock: timeline,
    ackWaitMs: 5_000,
    faults: {
      onRequest: () => (happens(chaos.lost) ? 'lost' : happens(chaos.unanswered) ? 'unanswered' : undefined),
      onDelivery: () => (happens(chaos.undelivered) ? 'lost' : happens(chaos.twice) ? 'twice' : undefined),
      onTell: () => (happens(chaos.untold) ? 'lost' : undefined),
      delayMs: () => (chaos.delayMs === 0 ? 0 : weather.int(0, chaos.delayMs)),
    },
  });
  const at = (): string => `${((timeline.now() - begun) / 1_000).toFixed(3)} s`;
  const onDeath = (why: string): void => {
    faults += 1;
    trace(`${at()}  ${why}`);
  };
  const crashChance = (): number => (isCalm ? 0 : chaos.crash);
  const violations: string[] = [];

  const coordinators = Array.from(
    { length: random.int(1, 3) },
    (_, number) =>
      new SimProcess({
        name: `coordinator-${number}`,
        broker,
        timeline,
        random: random.fork(`coordinator ${number}`),
        crashChance,
        onDeath,
        restartMs: [50, 3_000],
        begin: async ({ bus, clock, life, die }): Promise<Coordinator> => {
          let ids = 0;
          return startCoordinator({
            bus,
            names: bus.names,
            ring,
            clock,
            counts: newCounts(),
            settings,
            // The audit looks at every order that ever was.
            keeping: { ...defaultKeeping, orderNameMs: Number.POSITIVE_INFINITY },
            partitions: 4,
            member: `m${number}-${life}`,
            newId: () => `n${number}x${life}x${(ids += 1)}`,
            log: {
              info: (fields, text) => trace(`${at()}  coordinator-${number}: ${text} ${JSON.stringify(fields)}`),
              warn: (fields, text) =>
                trace(`${at()}  coordinator-${number}: ${text} ${JSON.stringify(fields, errors)}`),
              error: (fields, text) => {
                trace(`${at()}  coordinator-${number}: ${text} ${JSON.stringify(fields, errors)}`);
                if (text.includes('quarantined')) violations.push(`${text}: ${JSON.stringify(fields, errors)}`);
              },
            },
            fatal: die,
          });
        },
      }),
  );

  const ran = new Map<string, number>();
  const agentsOf = (queue: string, capabilities: readonly string[], count: number): SimProcess[] =>
    Array.from({ length: count }, (_, number) => {
      const own = random.fork(`agent ${queue} ${number}`);
      return new SimProcess({
        name: `${queue}-${number}`,
        broker,
        timeline,
        random: own,
        crashChance,
        onDeath,
        restartMs: [50, 4_000],
        begin: (life) => beginAgent(`${number}`, life, { queue, capabilities, random: own, calm: () => isCalm, ran }),
      });
    });
  const agents = [...agentsOf('workers', ['work'], random.int(1, 3)), ...agentsOf('others', ['verify', 'notify'], 1)];
  // Whoever can do the rare thing comes late; the thing that nobody can do is done by nobody.
  const late = agentsOf('rare', ['rare', 'work'], 1);

  const tasks = Array.from({ length: random.int(2, 6) }, (_, number) =>
    randomTask(random.fork(`task ${number}`), `t${number}`),
  );
  const accepted = new Set<string>();
  const people = new SimProcess({
    name: 'people',
    broker,
    timeline,
    random: random.fork('people'),
    crashChance: () => 0,
    onDeath,
    restartMs: [100, 200],
    begin: (life) => beginPeople(life, { random: random.fork('whims'), tasks, accepted, calm: () => isCalm }),
  });

  for (const one of [...coordinators, ...agents, people]) one.start();
  timeline.later(random.int(3_000, 20_000), () => late.forEach((one) => one.start()));
  // The server, too, is killed now and then; what it has stored stays.
  const outages = random.fork('outages');
  const outage = (): void => {
    if (isCalm) return;
    faults += 1;
    trace(`${at()}  the server is down`);
    broker.down();
    timeline.later(outages.int(10, 3_000), () => {
      trace(`${at()}  the server is up`);
      broker.rise();
      timeline.later(outages.int(2_000, 20_000), outage);
    });
  };
  if (chaos.outages) timeline.later(outages.int(500, 8_000), outage);

  const frost = random.fork('frost');
  const freeze = (): void => {
    if (isCalm) return;
    // Sometimes longer than a membership lives: then two believe that they own the same.
    frost.pick(coordinators).freeze(frost.int(1_000, 25_000));
    timeline.later(frost.int(3_000, 15_000), freeze);
  };
  if (chaos.frost) timeline.later(frost.int(500, 8_000), freeze);

  await timeline.until(begun + chaosMs);
  trace(`${at()}  the weather clears`);
  isCalm = true;
  broker.rise();
  // The partitions of whoever died last are nobody's until its membership is over; what is said meanwhile is heard then.
  await timeline.until(timeline.now() + limits.memberTtlMs + 10_000);
  // Until all is over, and at most as long as every time-out, every delay and every person may take.
  for (const end = timeline.now() + healMs; timeline.now() < end && !looksOver(broker, accepted); )
    await timeline.until(timeline.now() + 5_000);
  // What is over is stored within a second.
  await timeline.until(timeline.now() + 5_000);

  const found = audit({ broker, ring, settings, accepted, ran });
  const orders = found.orders;

  // All at once are killed; who comes after them must find everything, and nothing left to order.
  for (const one of coordinators) one.crash('was killed for the last check');
  await timeline.until(timeline.now() + limits.memberTtlMs + 10_000);
  const again = audit({ broker, ring, settings, accepted, ran });
  if (again.orders !== orders) violations.push(`a restart ordered ${again.orders - orders} more`);

  for (const one of [...coordinators, ...agents, ...late, people]) one.crash('at the end');
  const result = {
    seed,
    violations: [
      ...violations,
      ...found.violations,
      ...again.violations.filter((text) => !found.violations.includes(text)),
    ],
    steps: timeline.steps,
    events: found.events,
    orders,
    tasks: tasks.length,
    ended: found.ended,
    faults,
    virtualMs: timeline.now() - begun,
    trace: fingerprint(broker),
  };
  broker.close();
  return result;
};

/** Whether every task has ended, errands included, or is blocked for want of an agent. */
const looksOver = (broker: Broker, accepted: ReadonlySet<string>): boolean => {
  const stored = broker.streams.get(`KV_${broker.names.buckets.tasks}`);
  return [...accepted].every((id) => {
    const message = stored?.newest(`$KV.${broker.names.buckets.tasks}.${id}`);
    if (message === undefined) return false;
    const { status, engine } = JSON.parse(textOf(message.data)) as TaskRecord & { engine: { errands: number } };
    return engine.errands === 0 && (status === 'blocked' || isEnded(status));
  });
};

const chaosMs = 30_000;
const healMs = 240_000;

const swarm = (random: ReturnType<typeof randomFrom>) => ({
  lost: random.chance(0.5) ? 0.01 : 0,
  unanswered: random.chance(0.5) ? 0.02 : 0,
  undelivered: random.chance(0.4) ? 0.05 : 0,
  twice: random.chance(0.4) ? 0.05 : 0,
  untold: random.chance(0.3) ? 0.05 : 0,
  delayMs: random.pick([0, 0, 5, 50]),
  crash: random.pick([0, 0.002, 0.01]),
  outages: random.chance(0.3),
  frost: random.chance(0.4),
});

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
