// `capstan watch`: a task live, until it ends.
import { defineCommand } from '../command.ts';
import { watchTask } from '../watch-task.ts';

export const watch = defineCommand({
  name: 'watch',
  group: 'tasks',
  summary: 'Watch a task live until it ends',
  description:
    'On a terminal the plan is a tree that is redrawn as steps change; elsewhere each change is a line; with --json each change is the whole record on a line. ' +
    'A restart of NATS or of a coordinator does not end it.',
  arguments: [{ name: 'task', text: 'the id of the task' }],
  options: { timeout: { type: 'duration', text: 'stop watching after this long, with exit code 6' } },
  examples: [
    { run: 'capstan watch feature-1087', what: 'follow it; the exit code tells how it ended' },
    { run: 'capstan watch feature-1087 --timeout 10m && ./release.sh', what: 'go on only where it succeeded' },
  ],
  run: async ({ args, options, connect, json, terminal }) =>
    watchTask(await connect(), terminal, args.task, { json, timeoutMs: options.timeout }),
});
