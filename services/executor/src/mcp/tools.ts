// The tools of MCP servers as tools of this executor, named `mcp.<server>.<tool>`: those that the manifest gives to this agent.
import { done, type House, type Logger, reject, retry } from '@capstan/kit';
import { checkAgainst } from '@capstan/models';
import type { CallToolResult } from '@modelcontextprotocol/client';
import { z } from 'zod';
import type { Tool, ToolContext } from '../tool.ts';
import { allocated, type Manifest, type ServerEntry } from './manifest.ts';
import { newPins, type Pin } from './pins.ts';
import { type McpServer, newServer, type Reach } from './server.ts';

export interface McpTools {
  readonly tools: readonly Tool[];
  stop(): Promise<void>;
}

/** A server that can't be reached now is offered with what is pinned of it, since it may be there when it is needed. */
export const startMcpTools = async (
  manifest: Manifest,
  queue: string,
  house: House,
  log: Logger,
): Promise<McpTools> => {
  const pins = newPins(house);
  const servers: McpServer[] = [];
  const each = [...allocated(manifest, queue)].map(async ([name, allowed]): Promise<Tool[]> => {
    const entry = manifest.servers[name] as ServerEntry;
    const wanted = (tool: string): boolean => allowed.has('*') || allowed.has(tool);
    const said = reachOf(name, entry, manifest);
    const reach = (await house.resolve(said)) as Reach;
    const secrets = secretsIn(said, reach);
    const server = newServer({ name, reach, wanted, pins, log });
    servers.push(server);
    const found = await server.tools().then(
      (tools) => [...tools.values()],
      async () => (await pins.of(name)).filter((pin) => wanted(pin.name)),
    );
    for (const tool of allowed) {
      if (tool !== '*' && !found.some((pin) => pin.name === tool))
        log.warn({ server: name, tool }, 'The manifest names a tool that the MCP server does not have.');
    }
    return found.flatMap((pin) => toolOf(server, pin, entry, secrets));
  });
  const tools = (await Promise.all(each)).flat();
  return { tools, stop: async () => void (await Promise.all(servers.map((server) => server.close()))) };
};

const reachOf = (name: string, entry: ServerEntry, { gateway }: Manifest): object => {
  if (entry.command) return { command: entry.command, env: entry.env ?? {}, cwd: entry.cwd };
  if (entry.url) return { url: entry.url, headers: entry.headers ?? {} };
  return {
    url: gateway?.url.replaceAll('{server}', encodeURIComponent(name)),
    headers: { ...gateway?.headers, ...entry.headers },
  };
};

/** What stood for secrets, as it is now: a server may well show what it was given. */
const secretsIn = (said: unknown, resolved: unknown): string[] => {
  if (typeof said !== 'object' || said === null) return [];
  if (typeof resolved === 'string') return [resolved];
  return Object.entries(said).flatMap(([key, inner]) => secretsIn(inner, (resolved as Record<string, unknown>)[key]));
};

const output = z.looseObject({
  text: z.string().optional(),
  structured: z.unknown().optional(),
  content: z.array(z.looseObject({ type: z.string() })),
});

const toolOf = (server: McpServer, pin: Pin, entry: ServerEntry, secrets: readonly string[]): Tool[] => {
  const name = `mcp.${server.name}.${pin.name}`;
  const described = z.toJSONSchema(output, { unrepresentable: 'any' }) as { properties?: object };
  const structured = pin.outputSchema === undefined ? {} : { structured: pin.outputSchema };
  return [
    {
      name,
      description: pin.description || `The tool ${pin.name} of MCP server ${server.name}.`,
      input: z.looseObject({}),
      output,
      schemas: {
        input: pin.inputSchema,
        output: { type: 'object', required: ['content'], properties: { ...described.properties, ...structured } },
      },
      risk: entry.risks[pin.name] ?? entry.risk,
      needs: { egress: entry.command ? [] : ['*'] },
      run: async (input: Record<string, unknown>, context) => {
        for (const secret of secrets) context.secret(secret);
        const issues = checkAgainst(pin.inputSchema, input);
        if (issues) return reject('invalid_input', `${issues}. \`capstan tools ${name}\` shows what it takes.`);
        const result = await server.call(pin.name, input, {
          signal: context.signal,
          timeoutMs: entry.timeout_ms,
          onProgress: (progress, total, message) => {
            context.progress(total ? (progress / total) * 100 : 0, message);
            if (message) context.output('progress', `${message}\n`);
          },
        });
        const given = await outputOf(result, context);
        if (result.isError)
          return retry('mcp_tool_error', given.text?.slice(0, 2_000) ?? `"${pin.name}" says that it failed.`, {
            output: given,
          });
        return done(given);
      },
    },
  ];
};

/** Pictures and sounds become artifacts: in a record, base64 serves nobody. */
const outputOf = async (result: CallToolResult, context: ToolContext): Promise<z.output<typeof output>> => {
  const content: Record<string, unknown>[] = [];
  for (const [at, part] of result.content.entries()) {
    if (part.type !== 'image' && part.type !== 'audio') content.push(part);
    else {
      const { data, ...rest } = part;
      const extension = part.mimeType.replace(/^.*\//, '').replace(/[^a-z0-9]+.*$/, '');
      content.push({
        ...rest,
        artifact: await context.artifact(`content-${at}.${extension}`, Buffer.from(data, 'base64')),
      });
    }
  }
  const texts = result.content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  return {
    ...(texts.length > 0 ? { text: texts.join('\n') } : {}),
    ...(result.structuredContent === undefined ? {} : { structured: result.structuredContent }),
    content: content as { type: string }[],
  };
};
