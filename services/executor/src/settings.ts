// What the executor may be told in the configuration, under `executor`, beside what every agent may be told.
import type { AgentContext, AgentSettings } from '@capstan/kit';
import { z } from 'zod';

const place = z
  .string()
  .regex(
    /^(\*\.)?[^\s:/]+(:(\d+|\*))?$|^\[[0-9a-fA-F:]+\](:(\d+|\*))?$/,
    'host:port, such as "localhost:8080", "*.internal:443" or "10.0.0.5:*"',
  );

const codingAgent = z.strictObject({
  /** Program and arguments; `{prompt}` stands for what is to be done, which is on its input where that stands nowhere. */
  command: z.array(z.string()).min(1),
  env: z.record(z.string(), z.union([z.string(), z.strictObject({ $secret: z.string() })])).default({}),
  /** Where it may connect to: its model, and nothing else. */
  egress: z.array(place).optional(),
  /** What has its program. */
  image: z.string().optional(),
  timeout_ms: z.int().min(1).max(86_400_000).default(1_800_000),
});
export type CodingAgent = z.output<typeof codingAgent>;

const shape = {
  http: z
    .strictObject({
      /** Places that may be reached although they are private. */
      allow: z.array(place).default([]),
      /** Where present, the only places that may be reached. */
      only: z.array(place).optional(),
    })
    .prefault({}),
  github: z
    .strictObject({
      /** Of its REST API; that of a GitHub Enterprise Server ends in /api/v3. */
      base_url: z.url({ protocol: /^https?$/ }).default('https://api.github.com'),
      /** For steps that bring none of their own. */
      token: z.union([z.string().min(1), z.strictObject({ $secret: z.string() })]).optional(),
    })
    .prefault({}),
  git: z
    .strictObject({
      /** Folders of this machine that may be cloned from and pushed to, with `*` at the end for all below. */
      local: z.array(z.string().startsWith('/')).default([]),
      /** How large a repository may be: it passes through a folder for temporary files, and through memory. */
      clone_mb: z.int().min(1).max(16_384).default(512),
    })
    .prefault({}),
  /** Coding CLIs, by the name that a step gives them. */
  coding_agents: z.record(z.string().min(1), codingAgent).default({}),
  /** A file that says which language models there are. */
  models: z.string().min(1).optional(),
  mcp: z
    .strictObject({
      /** A file that says which MCP servers there are, and which agent may use which of their tools. */
      manifest: z.string().min(1).optional(),
    })
    .prefault({}),
};

export const settings = {
  settings: shape,
  environment: {
    CAPSTAN_HTTP_ALLOW: { path: ['http', 'allow'], as: 'list' },
    CAPSTAN_GITHUB_URL: { path: ['github', 'base_url'], as: 'text' },
    CAPSTAN_GITHUB_TOKEN: { path: ['github', 'token'], as: 'text' },
    CAPSTAN_GIT_LOCAL: { path: ['git', 'local'], as: 'list' },
    CAPSTAN_GIT_CLONE_MB: { path: ['git', 'clone_mb'], as: 'number' },
    CAPSTAN_MODELS: { path: ['models'], as: 'text' },
    CAPSTAN_AGENTS_MANIFEST: { path: ['mcp', 'manifest'], as: 'text' },
  },
} as const;

export type ExecutorContext = AgentContext<AgentSettings<typeof shape>>;
