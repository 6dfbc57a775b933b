// What Pulumi would change, for whoever decides about it.
import { done } from '@capstan/kit';
import { z } from 'zod';
import { stackInput } from '../pulumi/cli.ts';
import { plan, previewOf } from '../pulumi/plan.ts';
import { defineTool } from '../tool.ts';

export const pulumiPreview = defineTool({
  name: 'pulumi.preview',
  description: 'Says what Pulumi would change in a stack, and changes nothing.',
  input: z.looseObject(stackInput),
  output: plan,
  risk: 'low',
  needs: { sandbox: true, programs: ['pulumi'], egress: ['*'], secrets: ['what the backend and the providers want'] },
  run: async (asked, context) => done(await previewOf(asked, context)),
});
