// `capstan pause`: pause a task.
import { defineCommand } from '../command.ts';
import { personOptions } from '../person.ts';
import { tellTask } from '../tell-task.ts';

export const pause = defineCommand({
  name: 'pause',
  group: 'tasks',
  summary: 'Pause a task',
  description: 'What runs goes on to its end; nothing new begins until `capstan resume`.',
  arguments: [{ name: 'task', text: 'the id of the task' }],
  options: {
    ...personOptions,
  },
  examples: [{ run: 'capstan pause feature-1087', what: 'begin nothing new' }],
  run: async (call) => {
    const { args, options } = call;
    return tellTask(call, { ...options, verb: 'pause', taskId: args.task, done: 'Paused' });
  },
});
