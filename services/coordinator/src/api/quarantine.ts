// Tasks that stand still because Capstan can't go on with them: listed, and let go on.
import { actorKindOf, quarantineRelease } from '@capstan/contracts';
import { readBody } from '../doors/read-body.ts';
import { Refusal } from '../doors/refusal.ts';
import { listQuarantines } from '../quarantine.ts';
import { type Endpoint, endpoint } from './endpoint.ts';

const list = endpoint('quarantine', 'list', async ({ world }) => ({ quarantined: await listQuarantines(world) }));

const release = endpoint('quarantine', 'release', async ({ world, tasks }, data) => {
  const { task_id: task, skip = false, by = 'somebody' } = readBody(data, quarantineRelease).value;
  if (!(await listQuarantines(world)).some((one) => one.task_id === task))
    throw new Refusal('not_found', `"${task}" is not quarantined.`, {
      hint: 'capstan quarantine ls shows those that are.',
    });
  const still = await tasks.readmit(task, { skip, by });
  if (still !== null)
    throw new Refusal('conflict', `Task "${task}" still can't be gone on with: ${still.error}`, {
      hint:
        actorKindOf(task) !== null
          ? `Report it; after an update try again. capstan quarantine release ${task} --skip leaves event ${still.seq} out.`
          : still.why === 'event'
            ? `capstan replay ${task} shows event ${still.seq}; capstan quarantine release ${task} --skip leaves it out.`
            : `capstan replay ${task} shows what its log holds.`,
    });
  // What is no task has no status.
  return { task_id: task, status: actorKindOf(task) === null ? ((await tasks.read(task))?.status ?? null) : null };
});

export const quarantineEndpoints: readonly Endpoint[] = [list, release];
