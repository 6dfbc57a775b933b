// Applies what Pulumi would change: where a fingerprint of a preview is given, that and nothing else.
import { done, reject, Stopped } from '@capstan/kit';
import { z } from 'zod';
import { configArgs, pulumi, stackInput } from '../pulumi/cli.ts';
import { appliedIn, errorsIn } from '../pulumi/events.ts';
import { previewOf } from '../pulumi/plan.ts';
import { defineTool } from '../tool.ts';

export const pulumiUp = defineTool({
  name: 'pulumi.up',
  description: 'Applies the changes of a Pulumi stack; with the fingerprint of a preview only those that it showed.',
  input: z.looseObject({
    ...stackInput,
    fingerprint: z
      .string()
      .optional()
      .describe('Of the preview that was approved; where more or less would change now, nothing is applied'),
  }),
  output: z.strictObject({
    stack: z.string(),
    changes: z.record(z.string(), z.int()),
    outputs: z.record(z.string(), z.unknown()).describe('Of the stack; what is secret is masked by Pulumi'),
    duration_ms: z.int(),
  }),
  risk: 'high',
  needs: { sandbox: true, programs: ['pulumi'], egress: ['*'], secrets: ['what the backend and the providers want'] },
  run: async ({ fingerprint, ...asked }, context) => {
    if (fingerprint !== undefined) {
      const now = await previewOf(asked, context);
      if (now.fingerprint !== fingerprint)
        throw new Stopped(
          reject(
            'plan_changed',
            `What would change is not what was approved, or not to the same values; nothing was applied. Now: ${now.summary}`,
            { output: now },
          ),
        );
    }
    context.progress(10, `Applying to ${asked.stack}`);
    const printed = await pulumi(
      ['up', '--yes', '--skip-preview', '--json', ...configArgs(asked)],
      asked,
      context,
      errorsIn,
    );
    const outputs = await pulumi(['stack', 'output', '--json'], asked, context);
    return done({
      stack: asked.stack,
      outputs: JSON.parse(outputs || '{}') as Record<string, unknown>,
      ...appliedIn(printed),
    });
  },
});
