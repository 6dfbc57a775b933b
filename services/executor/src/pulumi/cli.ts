// Runs the Pulumi CLI in the sandbox, and reads the JSON that it prints.
import { type Failed, reject, retry, Stopped } from '@capstan/kit';
import { z } from 'zod';
import { argument } from '../command.ts';
import type { ToolContext } from '../tool.ts';

export const stackInput = {
  stack: z
    .string()
    .regex(/^(?!-)[\w./-]{1,200}$/, 'must be the name of a stack')
    .describe('As name, or org/project/name'),
  path: z.string().min(1).max(1_024).default('.').describe('Of the Pulumi project, in the workspace'),
  config: z
    .record(z.string().regex(/^(?!-)[\w:.-]+$/), argument)
    .default({})
    .describe('Settings of the stack, for this run'),
  refresh: z.boolean().default(false).describe('Whether to look first at what is really there'),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name of letters, digits and "_"'), argument)
    .default({})
    .describe('Such as PULUMI_ACCESS_TOKEN and what the providers want, as secrets'),
  timeout_ms: z.int().min(1).max(2_000_000_000).optional(),
};

export interface StackAsked {
  readonly stack: string;
  readonly path: string;
  readonly config: Readonly<Record<string, string>>;
  readonly refresh: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly timeout_ms?: number | undefined;
}

const outputBytesMax = 64 * 1_024 * 1_024;

/** What it prints, in whole. Throws `Stopped` where it fails, with the words of `failed` where there are some. */
export const pulumi = async (
  args: readonly string[],
  asked: StackAsked,
  context: ToolContext,
  failed: (printed: string) => string | null = () => null,
): Promise<string> => {
  const workspace = await context.sandbox.open(context.order, context);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    const { exitCode, timedOut, stderr } = await workspace.run({
      argv: ['pulumi', ...args, '--non-interactive', '--stack', asked.stack],
      cwd: asked.path,
      env: { PULUMI_SKIP_UPDATE_CHECK: 'true', PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'false', ...asked.env },
      timeoutMs: asked.timeout_ms,
      tailBytes: 8_000,
      output: false,
      onOutput: (stream, chunk) => {
        if (stream === 'stderr') context.output('stderr', chunk);
        else if ((size += chunk.length) <= outputBytesMax) chunks.push(Buffer.from(chunk));
      },
    });
    const printed = Buffer.concat(chunks).toString('utf8');
    if (timedOut)
      throw new Stopped(retry('pulumi_timeout', `pulumi ${args[0]} was ended after ${asked.timeout_ms} ms.`));
    if (exitCode !== 0) throw new Stopped(failureOf(args[0] as string, failed(printed) ?? stderr.trim(), stderr));
    return printed;
  } finally {
    workspace.release();
  }
};

const failureOf = (verb: string, said: string, stderr: string): Failed => {
  const words = `pulumi ${verb} failed: ${said.split('\n').slice(-6).join(' ').slice(-1_500) || 'it does not say why'}`;
  if (/currently locked|\[409\] Conflict|Another update is currently in progress/i.test(stderr + said))
    return retry('pulumi_locked', words);
  if (
    /no stack named|no Pulumi\.yaml|passphrase must be set|incorrect passphrase|PULUMI_ACCESS_TOKEN must be set|\[401\]|\[403\]|invalid access token/i.test(
      stderr + said,
    )
  )
    return reject('pulumi_refused', words);
  return retry('pulumi_failed', words);
};

export const configArgs = ({ config, refresh }: StackAsked): string[] => [
  ...Object.entries(config).flatMap(([key, value]) => ['--config', `${key}=${value}`]),
  ...(refresh ? ['--refresh'] : []),
];
