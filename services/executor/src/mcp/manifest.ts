// The manifest of agents: which MCP servers there are, how they are reached, and which agent may use which of their tools.
import { readFileSync } from 'node:fs';
import { id, risk } from '@capstan/contracts';
import { ConfigMistake } from '@capstan/kit';
import { z } from 'zod';

/** A text, or a secret by reference. */
const value = z.union([z.string(), z.strictObject({ $secret: z.string() })]);

const server = z
  .strictObject({
    description: z.string().optional(),
    /** A program that speaks MCP over its input and output, started by the agent itself. */
    command: z.array(z.string()).min(1).optional(),
    env: z.record(z.string(), value).optional(),
    cwd: z.string().optional(),
    /** A server that speaks MCP over streamable HTTP. */
    url: z.url({ protocol: /^https?$/ }).optional(),
    headers: z.record(z.string(), value).optional(),
    /** Reached by way of the gateway. */
    gateway: z.literal(true).optional(),
    /** What plans should say of steps with its tools; what a server says of itself is not asked. */
    risk: risk.default('medium'),
    risks: z.record(z.string(), risk).default({}),
    /** Silence longer than this ends a call; progress that is told counts as a sign of life. */
    timeout_ms: z.int().min(1).max(3_600_000).default(60_000),
  })
  .refine(({ command, url, gateway }) => [command, url, gateway].filter((one) => one !== undefined).length === 1, {
    error: 'must have exactly one of command, url, or "gateway": true',
  });

/** Tools by server; "*" is all that it has. */
const allocation = z.record(id, z.array(z.string().min(1)).min(1));

export const manifest = z
  .strictObject({
    $schema: z.string().optional(),
    v: z.literal(1).default(1),
    /** `{server}` in the address stands for the server's name; without it, one address serves the tools of all. */
    gateway: z.strictObject({ url: z.string().min(1), headers: z.record(z.string(), value).default({}) }).optional(),
    servers: z.record(id, server),
    /** For every agent. */
    shared: allocation.default({}),
    /** By the name of the agent's queue. */
    agents: z.record(id, allocation).default({}),
  })
  .superRefine(({ servers, shared, agents, gateway }, context) => {
    const known = Object.keys(servers);
    const check = (tools: Readonly<Record<string, unknown>>, path: string[]) => {
      for (const name of Object.keys(tools)) {
        if (!Object.hasOwn(servers, name))
          context.addIssue({
            code: 'custom',
            path: [...path, name],
            message: `is not among the servers (${known.join(', ')})`,
          });
      }
    };
    check(shared, ['shared']);
    for (const [agent, tools] of Object.entries(agents)) check(tools, ['agents', agent]);
    for (const [name, one] of Object.entries(servers)) {
      if (one.gateway && !gateway)
        context.addIssue({ code: 'custom', path: ['servers', name], message: 'needs a "gateway", which is not there' });
    }
  });
export type Manifest = z.output<typeof manifest>;
export type ServerEntry = Manifest['servers'][string];

/** Throws `ConfigMistake`, whose message is one line for a person. */
export const loadManifest = (file: string): Manifest => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigMistake(
      `${file}: the manifest of agents can't be read (${(error as NodeJS.ErrnoException).code}). Correct executor.mcp.manifest, or CAPSTAN_AGENTS_MANIFEST.`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ConfigMistake(`${file}: is no JSON: ${(error as Error).message}`);
  }
  const parsed = manifest.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ConfigMistake(`${file}: ${issue?.path.join('.') || 'the manifest'}: ${issue?.message}.`);
};

/** What an agent may use: servers with the names of their tools. */
export const allocated = ({ shared, agents }: Manifest, queue: string): Map<string, ReadonlySet<string>> => {
  const found = new Map<string, Set<string>>();
  for (const part of [shared, agents[queue] ?? {}]) {
    for (const [name, tools] of Object.entries(part)) {
      const there = found.get(name) ?? new Set();
      for (const tool of tools) there.add(tool);
      found.set(name, there);
    }
  }
  return found;
};
