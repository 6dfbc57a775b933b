// `capstan start`: start a planned task, or the next steps of a manual one.
import { defineCommand } from '../command.ts';
import { personOptions } from '../person.ts';
import { tellTask } from '../tell-task.ts';

export const start = defineCommand({
  name: 'start',
  group: 'tasks',
  summary: 'Start a planned task, or the next steps of a manual one',
  description: 'A task submitted with --no-start waits as planned; in manual mode each ready step waits for this.',
  arguments: [{ name: 'task', text: 'the id of the task' }],
  options: {
    step: { type: 'text', value: 'STEP', text: 'only this step' },
    ...personOptions,
  },
  examples: [{ run: 'capstan start feature-1087 --step unit', what: 'let that one step begin' }],
  run: async (call) => {
    const { args, options } = call;
    return tellTask(call, { ...options, verb: 'execute', taskId: args.task, stepId: options.step, done: 'Started' });
  },
});
