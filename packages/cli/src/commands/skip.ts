// `capstan skip`: skip a step.
import { defineCommand } from '../command.ts';
import { mistake } from '../exit.ts';
import { personOptions } from '../person.ts';
import { tellTask } from '../tell-task.ts';
import { clean } from '../text.ts';

export const skip = defineCommand({
  name: 'skip',
  group: 'tasks',
  summary: 'Skip a step',
  description: 'It counts as skipped, and what depends on it runs without its output.',
  arguments: [{ name: 'task', text: 'the id of the task' }],
  options: {
    step: { type: 'text', value: 'STEP', text: 'the id of the step' },
    ...personOptions,
  },
  examples: [{ run: 'capstan skip feature-1087 --step lint', what: 'go on without it' }],
  run: async (call) => {
    const { args, options } = call;
    if (options.step === undefined)
      throw mistake('Which step? --step STEP is missing.', `\`capstan get ${args.task}\` lists them.`);
    const done = `Skipped ${clean(options.step)}`;
    return tellTask(call, { ...options, verb: 'skip', taskId: args.task, stepId: options.step, done });
  },
});
