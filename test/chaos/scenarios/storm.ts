// Everything at once: coordinators and executors live for seconds and die at named points or at random, the server is killed at named points
// and at random, and the connections between them are cut, delayed, half open, or lose answers.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from './scenario.ts';
import { moments, type Point, points, watchFor } from '../points.ts';
import { curtain, onStage, type Stage, type StageOptions } from '../stage.ts';

const stormy =
  (troupe: NonNullable<StageOptions['troupe']> = {}): Scenario['run'] =>
  ({ counts, seed, seconds }) =>
    onStage({ counts, seed, troupe }, async (stage) => {
      const load = stage.load();
      stage.troupe.storm(stage.random);
      const until = Date.now() + seconds * 1_000;
      await Promise.all([killServers(stage, until), troubleNetwork(stage, until)]);
      return curtain(stage, load);
    });

export const storm: Scenario = { name: 'storm', weight: 6, run: stormy() };

/** The same where a task goes to the archive as soon as it has ended, and whoever takes it there dies of it. */
export const archiving: Scenario = {
  name: 'archiving',
  weight: 2,
  run: stormy({
    env: { CAPSTAN_KEEP_TASKS_MS: '500', CAPSTAN_PURGE_EVERY_MS: '300' },
    points: { coordinator: ['batch', 'archive', 'event', 'snapshot', 'checkpoint', 'question'] },
  }),
};

/** Half of them when it pleases, half as a message of a kind goes by. */
const killServers = async (stage: Stage, until: number): Promise<void> => {
  const { world, random, counts } = stage;
  while (Date.now() < until) {
    await sleep(1_500 + random(4_000));
    if (random(2) === 0) await meetServer(stage);
    else await world.server.restart();
    counts.server += 1;
  }
};

const patienceMs = 3_000;

/** The server dies as it is told something, as it was told, or before anybody hears that it has stored it. */
const meetServer = async ({ world, proxies, random, counts }: Stage): Promise<void> => {
  const kinds = Object.keys(points) as Point[];
  const fate = {
    point: kinds[random(kinds.length)] as Point,
    moment: moments[random(moments.length)] as (typeof moments)[number],
    nth: 1 + random(10),
  };
  const watch = watchFor(fate);
  let met: () => void = () => {};
  const died = new Promise<boolean>((resolve) => (met = () => resolve(true)));
  const dead: Promise<void>[] = [];
  const kill = () => void dead.push(world.server.kill());
  for (const proxy of proxies.values())
    proxy.edit((frame, direction) => {
      if (dead.length > 0) return frame.bytes;
      const next = direction === 'up' ? watch.out(frame) : watch.in(frame) ? 'now' : 'go';
      if (next === 'go') return frame.bytes;
      // Handed on before the signal: `after` lets it through.
      if (next === 'now') kill();
      else setImmediate(kill);
      met();
      return next === 'now' ? null : frame.bytes;
    });
  if (await Promise.race([died, sleep(patienceMs, false)])) counts.named += 1;
  for (const proxy of proxies.values()) proxy.edit(null);
  await sleep(1);
  await Promise.all(dead);
  await world.server.restart();
};

const troubleNetwork = async ({ proxies, random, counts }: Stage, until: number): Promise<void> => {
  const all = [...proxies.values()];
  while (Date.now() < until) {
    await sleep(1_000 + random(2_000));
    const proxy = all[random(all.length)];
    if (proxy === undefined) return;
    const kind = random(4);
    if (kind === 0) {
      proxy.cut();
      counts.cut += 1;
    } else if (kind === 1) {
      proxy.delay(20 + random(300));
      counts.delayed += 1;
      await sleep(random(2_000));
      proxy.delay(0);
    } else if (kind === 2) {
      proxy.silence((['up', 'down', 'both'] as const)[random(3)] ?? 'both');
      counts.silenced += 1;
      await sleep(random(4_000));
      proxy.silence('none');
    } else {
      const before = proxy.edited;
      proxy.edit((frame, direction) =>
        direction === 'down' && frame.subject.startsWith('_INBOX.') && random(4) === 0 ? null : frame.bytes,
      );
      await sleep(random(2_000));
      proxy.edit(null);
      counts.dropped += proxy.edited - before;
    }
  }
};
