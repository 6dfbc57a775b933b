// The verifier: runs the checks of a step's work and says what they found. How output becomes findings is in verifiers/.
import { roles } from '@capstan/contracts';
import { defineAgent, reject } from '@capstan/kit';
import { openSandbox, type Sandbox } from '@capstan/sandbox';
import { verify } from './verify.ts';

export const newVerifier = () => {
  let sandbox: Sandbox;
  const { queue, capabilities } = roles.verifier;
  return defineAgent({
    queue,
    domain: 'quality',
    capabilities: Object.keys(capabilities),
    start: async (config, log) => {
      sandbox = await openSandbox('verifier', config, log);
    },
    onTaskEnd: (task, status) => sandbox.taskEnded(task, status),
    run: async (order, context) => {
      const input = capabilities.verify.input.safeParse(await context.input());
      if (!input.success) {
        const issue = input.error.issues[0];
        return reject('invalid_input', `${issue?.path.map(String).join('.')}: ${issue?.message}`);
      }
      return verify(input.data, Object.assign(context, { order, sandbox }));
    },
    stop: () => sandbox.end(),
  });
};
