// The verifier: runs the checks of a step's work and says what they found. How output becomes findings is in verifiers/.
import { roles } from '@capstan/contracts';
import { commandRunner, defineAgent, newWorkspaces, reject, type RunCommand, type Workspaces } from '@capstan/kit';
import { verify } from './verify.ts';

export const newVerifier = () => {
  let workspaces: Workspaces;
  let commands: RunCommand;
  const { queue, capabilities } = roles.verifier;
  return defineAgent({
    queue,
    domain: 'quality',
    capabilities: Object.keys(capabilities),
    start: (config) => {
      workspaces = newWorkspaces('verifier', config.workspaces);
      commands = commandRunner(config);
    },
    run: async (order, context) => {
      const input = capabilities.verify.input.safeParse(await context.input());
      if (!input.success) {
        const issue = input.error.issues[0];
        return reject('invalid_input', `${issue?.path.map(String).join('.')}: ${issue?.message}`);
      }
      return verify(input.data, { ...context, order, commands, workspaces });
    },
    stop: () => workspaces.end(),
  });
};
