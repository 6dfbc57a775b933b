// Whether the lists that partitions keep have every task and everything that was asked, as the log says, and nothing else.
import type { TaskState } from '@capstan/engine';

type Row = readonly [id: string, created: number, group: string | null, first: number, ended: number];
type Head = { readonly pages: readonly [number, number, Record<string, number>, number | null, number][] };

/** `stored` is the bucket of tasks. Of tasks whose events a checkpoint has not passed nobody knows better yet. */
export const checkLists = (
  stored: ReadonlyMap<string, string>,
  tasks: Iterable<{ readonly id: string; readonly state: TaskState }>,
  passed: (task: string) => number,
  say: (text: string) => void,
): void => {
  const listed = listsIn(stored, 'tasks', say);
  const asked = listsIn(stored, 'asked', say);
  for (const { id, state } of tasks) {
    const row = listed.get(id);
    listed.delete(id);
    const asks = state.interventions.map((ask) => [ask, asked.get(ask)] as const);
    for (const ask of state.interventions) asked.delete(ask);
    if (passed(id) < state.seq) continue;
    const group = `${id.startsWith('_') ? '_' : ''}${state.request.tenant ?? 'default'} ${state.status}`;
    if (row === undefined) say(`${id} is not on the list of tasks`);
    else if (row[2] !== group || row[1] !== state.createdAt)
      say(`${id} is listed as "${row[2]}" of ${row[1]}, and is "${group}" of ${state.createdAt}`);
    for (const [ask, entry] of asks) {
      const isOpen = state.asks[ask] !== undefined;
      if (entry === undefined) say(`${ask} of ${id} is not on the list of what was asked`);
      else if (entry[2]?.endsWith(' pending') !== isOpen)
        say(`${ask} of ${id} is listed as "${entry[2]}", and is ${isOpen ? 'open' : 'closed'} by the log`);
    }
  }
  for (const id of listed.keys()) say(`${id} is on the list of tasks, and the log knows nothing of it`);
  for (const id of asked.keys()) say(`${id} is on the list of what was asked, and no task asked it`);
};

/** Pages, and what the checkpoint has since. */
const listsIn = (
  stored: ReadonlyMap<string, string>,
  name: 'tasks' | 'asked',
  say: (text: string) => void,
): Map<string, Row> => {
  const all = new Map<string, Row>();
  for (const [key, text] of stored) {
    const partition = /^_checkpoint\.(\d+)$/.exec(key)?.[1];
    if (partition === undefined) continue;
    const head = stored.get(`_list.${name}.${partition}`);
    for (const [number, , groups] of head === undefined ? [] : (JSON.parse(head) as Head).pages) {
      const rows = JSON.parse(stored.get(`_list.${name}.${partition}.${number}`) ?? '[]') as Row[];
      const counted: Record<string, number> = {};
      for (const row of rows) {
        counted[row[2] ?? ''] = (counted[row[2] ?? ''] ?? 0) + 1;
        all.set(row[0], row);
      }
      if (Object.entries({ ...counted, ...groups }).some(([group]) => counted[group] !== groups[group]))
        say(
          `page ${number} of list ${name} ${partition} holds ${JSON.stringify(counted)}, and its head says ${JSON.stringify(groups)}`,
        );
    }
    const { lists } = JSON.parse(text) as { lists?: Record<'tasks' | 'asked', Row[]> & { whole: boolean } };
    if (lists?.whole !== true) say(`the lists of partition ${partition} are not whole`);
    for (const row of lists?.[name] ?? []) {
      if (row[2] === null) all.delete(row[0]);
      else all.set(row[0], row);
    }
  }
  return all;
};
