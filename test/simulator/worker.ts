// Runs seeds in a thread of its own, with a fault planted where one is wanted: sources are changed as they are loaded, so a fault needs a thread
// in which nothing has been loaded yet.
import { parentPort, workerData } from 'node:worker_threads';
import type { Task } from './pool.ts';

const { bug } = workerData as { bug: string | null };
if (bug !== null) {
  const [{ bugs }, { plant }] = await Promise.all([import('./bugs.ts'), import('./plant.ts')]);
  const found = bugs.find(({ name }) => name === bug);
  if (found === undefined)
    throw new Error(`no fault is named "${bug}"; there are ${bugs.map(({ name }) => name).join(', ')}`);
  plant(found);
}
const { run } = await import('./run.ts');

parentPort?.on('message', ({ seeds }: Task) => {
  void (async () => {
    for (const seed of seeds) parentPort?.postMessage({ result: await run(seed) });
    parentPort?.postMessage({ done: true });
  })();
});
parentPort?.postMessage({ done: true });
