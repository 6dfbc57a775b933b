// `capstan cancel`: cancel a task.
import { defineCommand } from '../command.ts';
import { personOptions } from '../person.ts';
import { tellTask } from '../tell-task.ts';

export const cancel = defineCommand({
  name: 'cancel',
  group: 'tasks',
  summary: 'Cancel a task',
  description: 'What runs is told to stop and clean up; what has not begun never will.',
  arguments: [{ name: 'task', text: 'the id of the task' }],
  options: {
    ...personOptions,
  },
  examples: [
    { run: 'capstan cancel feature-1087 --reason "asked twice"', what: 'stop it, with a reason for the record' },
  ],
  run: async (call) => {
    const { args, options } = call;
    return tellTask(call, { ...options, verb: 'cancel', taskId: args.task, done: 'Cancelling' });
  },
});
