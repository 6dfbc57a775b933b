// How long open tasks are without a coordinator after it was killed, and whether all of them are still there.
import type { TaskRecord } from '@capstan/contracts';
import type { Bench, BenchContext } from '../bench.ts';
import { memoryMiB } from '../cost.ts';
import { inLanes, round } from '../measure.ts';
import { calm } from '../streams.ts';
import type { System } from '../system.ts';
import { fillTo, sampleOf } from './fill.ts';

const looked = 2_000;
const approved = 200;

export const recovery: Bench = {
  name: 'RECOVERY',
  says: 'kill -9 of the coordinator with 100,000 open tasks: how long until they are served again',
  usual: false,
  run: async (context) => {
    const { options, start, say } = context;
    const count = Math.min(options.open, options.most);
    await using system = await start();
    const ids: string[] = [];
    const from = performance.now();
    await fillTo(system, ids, count);
    await calm(system.client);
    say({ bench: 'RECOVERY-filled', open: count, seconds: since(from) });
    // As a supervisor starts it again, and as another machine takes over, which first waits for the dead one's membership to lapse.
    await recover(context, system, ids, 'coordinator', 'coordinator');
    await recover(context, system, ids, 'coordinator', 'coordinator-of-another-name');
  },
};

const recover = async (
  { say, phase }: BenchContext,
  system: System,
  ids: readonly string[],
  killed: string,
  started: string,
): Promise<void> => {
  const { client } = system;
  const sample = sampleOf(ids, looked);
  await system.stop(killed, 'SIGKILL');
  const from = performance.now();
  const service = await system.start('coordinator', started);
  const ready = since(from);
  const firstAnswer = await answered(client, sample[0] ?? '', from);

  const asked: string[] = [];
  await inLanes(sample.length, 64, async (n) => {
    const id = sample[n] ?? '';
    const task = await client.ask<TaskRecord>('task', 'get', { task_id: id });
    const gate = task.steps['gate'] as { intervention?: string } | undefined;
    if (task.status === 'awaiting_approval' && gate?.intervention !== undefined) asked.push(gate.intervention);
    else if (task.status !== 'succeeded') throw new Error(`The task ${id} waited for approval, and is ${task.status}.`);
  });
  const all = since(from);
  const chosen = sampleOf(asked, approved);
  await inLanes(chosen.length, 16, async (n) => {
    const { task_id: id } = await client.ask<{ task_id: string }>('inbox', 'get', { id: chosen[n] });
    const ended = client.ended(id);
    await client.ask('inbox', 'approve', { id: chosen[n], by: 'bench' });
    const { status } = await ended;
    if (status !== 'succeeded') throw new Error(`The task ${id} was approved, and is ${status}.`);
  });
  say({
    bench: 'RECOVERY',
    open: ids.length,
    same_name: started === killed,
    kill_to_ready_s: ready,
    kill_to_first_answer_s: firstAnswer,
    looked_at: sample.length,
    kill_to_all_looked_at_s: all,
    approved_and_done: chosen.length,
    coordinator_memory_mib: round(memoryMiB(system.processes.get(started)?.pid ?? 0), 1),
    it_says: said(service.log()),
  });
  await phase(system, { id: 'RECOVERY-W1-after', shape: { kind: 'single' }, count: 2_000, concurrency: 64 });
};

const since = (from: number): number => round((performance.now() - from) / 1_000, 2);

const answered = async (client: System['client'], id: string, from: number): Promise<number> => {
  for (const deadline = performance.now() + 120_000; performance.now() < deadline; ) {
    try {
      await client.ask('task', 'get', { task_id: id }, 1_000);
      return since(from);
    } catch {
      // Nobody serves it yet; asking too often would be a part of what is measured.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error(`Nobody answers for the task ${id} within two minutes.`);
};

/** What the log tells of the open tasks that were taken over. */
const said = (log: string): unknown =>
  log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { open?: number; msg?: string })
    .find(({ open }) => open !== undefined) ?? null;
