// What goes wrong, and how often: messages that are lost, late, refused or doubled, a server that dies, processes that are killed, restarted or
// frozen. Each seed has its own mixture, so that rare faults are not always drowned by common ones.
import { Broker, type Change } from '@capstan/bus';
import type { Timeline } from './clock.ts';
import type { Frost, SimProcess } from './process.ts';
import type { Random } from './random.ts';

export interface Weather {
  readonly broker: Broker;
  /** How likely a process dies at a call of a port, now. */
  crashChance(): number;
  /** Whether a coordinator freezes that is about to do this. */
  frostAt(call: string, args: readonly unknown[]): Frost | null;
  /** Somebody died or froze. */
  onDeath(why: string): void;
  isCalm(): boolean;
  begin(coordinators: readonly SimProcess[], agents: readonly SimProcess[]): void;
  /** Shortly before it clears: whatever goes wrong now nobody has to do again later. */
  lastBlow(): void;
  clear(): void;
  /** The rules that a coordinator knows that begins now. */
  rollout(rules: number): () => number;
  /** A new version is rolled out in the finest weather: who is well hands over to who has just begun. */
  roll(coordinators: readonly SimProcess[]): void;
  /** Whatever is said is stored at once or never: nobody is wrong about what he has written. */
  readonly isSwift: boolean;
  readonly faults: number;
}

export const weatherOf = (random: Random, timeline: Timeline, trace: (line: string) => void): Weather => {
  const chaos = swarm(random.fork('swarm'));
  const dice = random.fork('weather');
  let faults = 0;
  let isCalm = false;
  /** The server refuses nearly everything, as with a full disk. */
  let isStormy = false;
  let isRolledOut = false;
  /** How the requests begin by which one coordinator says that it is still there: all are lost, so others take over while it works on. */
  let exiled: string | null = null;
  const happens = (probability: number): boolean => {
    if (isCalm || probability === 0 || !dice.chance(probability)) return false;
    faults += 1;
    return true;
  };
  const broker = new Broker({
    clock: timeline,
    ackWaitMs: 5_000,
    faults: {
      onRequest: (what) =>
        (exiled !== null && what.startsWith(exiled)) || happens(chaos.lost)
          ? 'lost'
          : happens(chaos.unanswered)
            ? 'unanswered'
            : happens(isStormy ? 0.7 : chaos.refused)
              ? 'refused'
              : undefined,
      onDelivery: () => (happens(chaos.undelivered) ? 'lost' : happens(chaos.twice) ? 'twice' : undefined),
      onAck: () => (happens(chaos.forgotten) ? 'forgotten' : undefined),
      onTell: () => (happens(chaos.untold) ? 'lost' : undefined),
      delayMs: () => (chaos.delayMs === 0 ? 0 : dice.int(0, chaos.delayMs)),
    },
  });

  /** Again and again, in an interval of its own, until the weather clears. */
  const often = (name: string, [low, high]: readonly [number, number], act: (own: Random) => void): void => {
    const own = random.fork(name);
    const again = (): void => {
      if (isCalm) return;
      act(own);
      timeline.later(own.int(low, high), again);
    };
    timeline.later(own.int(Math.trunc(low / 2), high), again);
  };

  const frost = random.fork('frost at a call');
  /** Often as a task goes to the archive, which is rare, and then it wakes up at the worst moment: just as somebody wants it done again. */
  const frostAt = (call: string, args: readonly unknown[]): Frost | null => {
    if (isCalm || !chaos.frost) return null;
    const keys = call === 'setAll' ? (args[0] as Change[]).map(({ key }) => key) : [];
    const isArchiving =
      keys.some((key) => key.startsWith('_archive.')) || (call === 'put' && String(args[0]).startsWith('_archive/'));
    if (!frost.chance(isArchiving ? 0.3 : 0.0005)) return null;
    const ms = frost.int(500, 28_000);
    return isArchiving && frost.chance(0.7) ? { ms, until: (wake) => wakeAt(keys, wake) } : { ms };
  };
  const wakeAt = (keys: readonly string[], wake: () => void): void => {
    const events = broker.streams.get(broker.names.streams.events);
    const look = (): void => {
      const subject = events?.at(events.last)?.subject ?? '';
      if (!subject.includes('.commanded.') || !keys.some((key) => subject.includes(`.${key}.`))) return;
      events?.listeners.delete(look);
      timeline.later(frost.int(0, 500), wake);
    };
    events?.listeners.add(look);
  };

  return {
    broker,
    frostAt,
    crashChance: () => (isCalm ? 0 : chaos.crash),
    onDeath: (why) => {
      faults += 1;
      trace(why);
    },
    isCalm: () => isCalm,
    begin: (coordinators, agents) => {
      // The server, too, is killed now and then; what it has stored stays.
      if (chaos.outages)
        often('outages', [3_000, 15_000], (own) => {
          if (!broker.up) return;
          faults += 1;
          trace('the server is down');
          broker.down();
          timeline.later(own.int(10, 3_000), () => {
            trace('the server is up');
            broker.rise();
          });
        });
      // Sometimes longer than a membership lives: then two believe that they own the same.
      if (chaos.frost) often('frost', [2_000, 12_000], (own) => own.pick(coordinators).freeze(own.int(1_000, 25_000)));
      if (chaos.storms)
        often('storms', [1_500, 8_000], (own) => {
          isStormy = true;
          trace('the server refuses nearly everything');
          timeline.later(own.int(200, 3_000), () => (isStormy = false));
        });
      if (chaos.exile)
        often('exile', [4_000, 14_000], (own) => {
          exiled = `set m${own.int(0, coordinators.length - 1)}-`;
          trace(`nobody hears of ${exiled}`);
          timeline.later(own.int(14_000, 22_000), () => (exiled = null));
        });
      if (chaos.kills)
        often('kills', [1_500, 9_000], (own) => own.pick([...coordinators, ...agents]).crash('was killed'));
      if (chaos.rolls) often('rolls', [500, 5_000], (own) => own.pick(coordinators).roll());
    },
    lastBlow: () => {
      isStormy = chaos.lastBlow;
    },
    isSwift:
      chaos.delayMs <= 5 &&
      chaos.lost + chaos.unanswered + chaos.refused === 0 &&
      !chaos.outages &&
      !chaos.storms &&
      !chaos.lastBlow,
    clear: () => {
      trace('the weather clears');
      isCalm = true;
      exiled = null;
      isStormy = false;
      broker.rise();
    },
    rollout: (rules) => {
      const own = random.fork('rollout');
      isRolledOut = own.chance(0.25);
      return () => (isRolledOut && (isCalm || own.chance(0.5)) ? rules + 1 : rules);
    },
    roll: (coordinators) => {
      const own = random.fork('calm rolls');
      if (isRolledOut)
        for (const one of coordinators)
          timeline.later(own.int(0, 5_000), () => one.crash('gives way to a newer version'));
      if (isRolledOut || !own.chance(0.4)) return;
      for (const one of coordinators) if (own.chance(0.7)) timeline.later(own.int(0, 12_000), () => one.roll());
    },
    get faults() {
      return faults;
    },
  };
};

const swarm = (random: Random) => ({
  lost: random.chance(0.5) ? 0.01 : 0,
  unanswered: random.chance(0.5) ? 0.03 : 0,
  undelivered: random.chance(0.4) ? 0.05 : 0,
  twice: random.chance(0.4) ? 0.05 : 0,
  forgotten: random.chance(0.3) ? 0.05 : 0,
  untold: random.chance(0.3) ? 0.05 : 0,
  refused: random.chance(0.3) ? 0.02 : 0,
  delayMs: random.pick([0, 0, 5, 50, 300]),
  crash: random.pick([0, 0.003, 0.01, 0.02]),
  outages: random.chance(0.3),
  frost: random.chance(0.4),
  storms: random.chance(0.3),
  lastBlow: random.chance(0.3),
  exile: random.chance(0.35),
  kills: random.chance(0.4),
  rolls: random.chance(0.5),
});
