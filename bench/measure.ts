// Runs one phase and says what it took: time, processor, memory, and what was stored.
import type { BenchClient } from './client.ts';
import { cpuSeconds, forgetPeak, machineBusySeconds, peakMiB } from './cost.ts';
import { bodyOf, mustBeRight, stepCount } from './shapes.ts';
import { bytesWritten, calm, mustBeOrderedOnce } from './streams.ts';
import type { System } from './system.ts';
import { type Wire, wireOf } from './wire.ts';
import type { Phase } from './workloads.ts';

export interface Figures {
  readonly tasks: number;
  readonly steps: number;
  readonly seconds: number;
  readonly tasks_per_s: number;
  readonly steps_per_s: number;
  readonly latency_ms: Readonly<Record<'p50' | 'p95' | 'p99' | 'max', number>>;
  /** By process, up to the moment when nothing more is written. */
  readonly cpu_s_per_1000_steps: Readonly<Record<string, number>>;
  readonly peak_memory_mib: Readonly<Record<string, number>>;
  readonly persisted_per_step: {
    readonly messages: number;
    readonly bytes: number;
    readonly messages_by_stream: Readonly<Record<string, number>>;
  };
  /** Messages that each connection gave to the server, and got from it. */
  readonly wire_per_step: Readonly<Record<string, Wire>>;
  /** Cores that others than these processes kept busy. */
  readonly foreign_cores: number;
}

export const round = (value: number, digits = 3): number => Number(value.toFixed(digits));

export const quantile = (values: readonly number[], part: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [low = 0, high = 0] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
};

/** So many in all, so many of them at once. */
export const inLanes = async (count: number, concurrency: number, act: (n: number) => Promise<void>): Promise<void> => {
  let begun = 0;
  const lane = async () => {
    while (begun < count) await act(begun++);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, lane));
};

/** Runs the tasks of a phase and gives how long each took. */
export const runTasks = async (client: BenchClient, { shape, count, concurrency }: Phase): Promise<number[]> => {
  const body = bodyOf(shape);
  const latencies: number[] = [];
  await inLanes(count, concurrency, async () => {
    const from = performance.now();
    mustBeRight(shape, await client.run(body));
    latencies.push(performance.now() - from);
  });
  return latencies;
};

export const measure = async (system: System, phase: Phase): Promise<Figures> => {
  const { client } = system;
  const before = await calm(client);
  const wire = await wireOf(system);
  for (const { pid } of system.processes.values()) forgetPeak(pid ?? 0);
  forgetPeak(process.pid);
  const [busy, cpu, from] = [machineBusySeconds(), cpuOf(system), performance.now()];
  const latencies = await runTasks(client, phase);
  const seconds = (performance.now() - from) / 1_000;
  // What was put off belongs to the work, too.
  const after = await calm(client);
  const whole = (performance.now() - from) / 1_000;
  const [busyAfter, cpuAfter] = [machineBusySeconds(), cpuOf(system)];
  const wireAfter = await wireOf(system);

  const steps = phase.count * stepCount(phase.shape);
  mustBeOrderedOnce(before, after, steps);
  const spent = Object.keys(cpuAfter).map((name) => [name, (cpuAfter[name] ?? 0) - (cpu[name] ?? 0)] as const);
  const total = spent.reduce((sum, [, each]) => sum + each, 0);
  const perThousand = (value: number) => round((value / steps) * 1_000);
  const written = [...after].map(
    ([name, { lastSeq }]) => [name, (lastSeq - (before.get(name)?.lastSeq ?? 0)) / steps] as const,
  );
  return {
    tasks: phase.count,
    steps,
    seconds: round(seconds),
    tasks_per_s: round(phase.count / seconds, 1),
    steps_per_s: round(steps / seconds, 1),
    latency_ms: {
      p50: round(quantile(latencies, 0.5), 2),
      p95: round(quantile(latencies, 0.95), 2),
      p99: round(quantile(latencies, 0.99), 2),
      max: round(quantile(latencies, 1), 2),
    },
    cpu_s_per_1000_steps: Object.fromEntries(
      [...spent, ['total', total] as const].map(([n, v]) => [n, perThousand(v)]),
    ),
    peak_memory_mib: Object.fromEntries(pidsOf(system).map(([name, pid]) => [name, round(peakMiB(pid), 1)])),
    persisted_per_step: {
      messages: round(written.reduce((sum, [, each]) => sum + each, 0)),
      bytes: round(bytesWritten(before, after) / steps, 0),
      messages_by_stream: Object.fromEntries(written.filter(([, each]) => each > 0).map(([n, v]) => [n, round(v)])),
    },
    wire_per_step: Object.fromEntries(
      [...wireAfter].map(([name, { said, heard }]) => {
        const was = wire.get(name) ?? { said: 0, heard: 0 };
        return [name, { said: round((said - was.said) / steps, 2), heard: round((heard - was.heard) / steps, 2) }];
      }),
    ),
    foreign_cores: round(Math.max(0, (busyAfter - busy - total) / whole), 2),
  };
};

const pidsOf = (system: System): [string, number][] => [
  ...[...system.processes].map(([name, { pid }]): [string, number] => [name, pid ?? 0]),
  ['client', process.pid],
];

const cpuOf = (system: System): Record<string, number> =>
  Object.fromEntries(pidsOf(system).map(([name, pid]) => [name, cpuSeconds(pid)]));
