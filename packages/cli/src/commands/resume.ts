// `capstan resume`: let a paused task go on.
import { defineCommand } from '../command.ts';
import { personOptions } from '../person.ts';
import { tellTask } from '../tell-task.ts';

export const resume = defineCommand({
  name: 'resume',
  group: 'tasks',
  summary: 'Let a paused task go on',
  description: 'Also past a checkpoint, and after a failure where the task pauses on one.',
  arguments: [{ name: 'task', text: 'the id of the task' }],
  options: {
    ...personOptions,
  },
  examples: [{ run: 'capstan resume feature-1087', what: 'go on where it stood' }],
  run: async (call) => {
    const { args, options } = call;
    return tellTask(call, { ...options, verb: 'resume', taskId: args.task, done: 'Going on' });
  },
});
