// How an agent describes what it can do, in the bucket of tools: one entry a capability, under `<queue>.<capability>`.
import { z } from 'zod';
import { capability, id, version } from './ids.ts';
import { jsonObject } from './json.ts';
import { risk } from './plan.ts';

export const toolNeeds = z.looseObject({
  /** Runs commands, so it needs a sandbox, or the host's shell where that is allowed. */
  sandbox: z.boolean().optional(),
  /** What the image of that sandbox must have. */
  programs: z.array(z.string()).optional(),
  /** Places it reaches, as `host:port`; `*` where its input or the configuration says which. */
  egress: z.array(z.string()).optional(),
  /** Secrets it can't work without, as the configuration or the input names them. */
  secrets: z.array(z.string()).optional(),
  /** How long a run may well take. */
  time_ms: z.int().min(0).optional(),
});

export const toolRecord = z.looseObject({
  v: version,
  name: capability,
  queue: id,
  description: z.string(),
  /** What a step with it may do at worst: such a step has this risk, unless its plan says more. */
  risk,
  needs: toolNeeds,
  /** JSON Schema of a step's `input`, and of its output. */
  input: jsonObject,
  output: jsonObject,
});
export type ToolRecord = z.infer<typeof toolRecord>;
export type ToolNeeds = z.infer<typeof toolNeeds>;
