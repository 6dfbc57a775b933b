// `capstan retry`: try failed steps again.
import { defineCommand } from '../command.ts';
import { personOptions } from '../person.ts';
import { tellTask } from '../tell-task.ts';

export const retry = defineCommand({
  name: 'retry',
  group: 'tasks',
  summary: 'Try failed steps again',
  description: 'Attempts go on counting, and what depended on them runs afterwards.',
  arguments: [{ name: 'task', text: 'the id of the task' }],
  options: {
    step: { type: 'text', value: 'STEP', text: 'only this step' },
    ...personOptions,
  },
  examples: [{ run: 'capstan retry feature-1087 --step unit', what: 'try that step again' }],
  run: async (call) => {
    const { args, options } = call;
    return tellTask(call, { ...options, verb: 'retry', taskId: args.task, stepId: options.step, done: 'Trying again' });
  },
});
