// The verifier: runs the checks of a step's work and says what they found. How output becomes findings is in verifiers/, which checks a
// repository has in pipeline/.
import { roles } from '@capstan/contracts';
import { defineAgent, newTaskEnds, place, reject } from '@capstan/kit';
import type { Models } from '@capstan/models';
import { openSandbox, type Sandbox } from '@capstan/sandbox';
import { z } from 'zod';
import { check } from './check.ts';
import { repository } from './repository.ts';
import { verify } from './verify.ts';

export const newVerifier = () => {
  let sandbox: Sandbox;
  let models: Models | null = null;
  const { queue, capabilities } = roles.verifier;
  return defineAgent({
    queue,
    domain: 'quality',
    capabilities: Object.keys(capabilities),
    describes: () => [
      {
        name: 'verify',
        description: 'Runs checks, or those of a repository, and reads findings out of what they print.',
        // What stands in `checks` is explained one by one; here it is said for whoever writes a plan.
        input: capabilities.verify.input.extend({ checks: z.array(z.union([check, repository])).optional() }),
        output: capabilities.verify.output,
        risk: 'low',
        needs: { sandbox: true, programs: ['what the checks run'], egress: ['*'] },
      },
    ],
    settings: {
      /** A file that says which language models there are; its default judges criteria. */
      models: z.string().min(1).optional(),
      /** Where npm's registry and OSV's database are: repositories are audited where one is named. */
      audit: z.array(place).default([]),
    },
    environment: {
      CAPSTAN_MODELS: { path: ['models'], as: 'text' },
      CAPSTAN_AUDIT: { path: ['audit'], as: 'list' },
    },
    start: async (config, log, house) => {
      sandbox = await openSandbox('verifier', config, log, newTaskEnds(house.bus));
      if (config.own.models === undefined) return;
      const { loadModelsFile, newModels } = await import('@capstan/models');
      models = newModels(loadModelsFile(config.own.models), house);
    },
    run: async (order, context) => {
      const input = capabilities.verify.input.safeParse(await context.input());
      if (!input.success) {
        const issue = input.error.issues[0];
        return reject('invalid_input', `${issue?.path.map(String).join('.')}: ${issue?.message}`);
      }
      const { step_id: step, checks = [], criteria = [] } = input.data;
      if (step === undefined && checks.length + criteria.length === 0)
        return reject(
          'invalid_input',
          'checks: say what to verify, such as [{ "repository": "code" }]; docs/verifying.md shows more.',
        );
      const { audit: auditPlaces } = context.config.own;
      return verify(input.data, Object.assign(context, { order, sandbox, models, auditPlaces }));
    },
    stop: () => sandbox.end(),
  });
};
