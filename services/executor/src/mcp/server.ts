// One MCP server: connected when it is first needed, connected again when it has died, and left alone for a while when that goes
// wrong again and again. What its tools look like is compared with their pins each time it is (re)connected or says that they changed, and before
// a call once it is a while ago.
import { capability } from '@capstan/contracts';
import type { Logger } from '@capstan/kit';
import { newFetch, reject, retry, Stopped, version } from '@capstan/kit';
import {
  type CallToolResult,
  Client,
  SdkError,
  SdkHttpError,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/client/validators/cf-worker';
import { type Breaker, newBreaker } from './breaker.ts';
import { type Definition, difference, hashOf, type Pin, type Pins } from './pins.ts';

/** How it is reached, with its secrets resolved. */
export type Reach =
  | {
      readonly command: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly cwd?: string | undefined;
    }
  | { readonly url: string; readonly headers: Readonly<Record<string, string>> };

export interface McpServer {
  readonly name: string;
  /** What it has, by name, as it was first seen. Throws where it can't be reached. */
  tools(): Promise<ReadonlyMap<string, Pin>>;
  /** Throws `Stopped`. */
  call(tool: string, input: Record<string, unknown>, how: CallOptions): Promise<CallToolResult>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly onProgress: (progress: number, total: number | undefined, message: string | undefined) => void;
}

export interface ServerOptions {
  readonly name: string;
  readonly reach: Reach;
  /** Whether this tool is of interest; at one address several servers may have theirs. */
  readonly wanted: (tool: string) => boolean;
  readonly pins: Pins;
  readonly log: Logger;
  readonly breaker?: Breaker;
  /** For how long what it said of its tools is believed; a server need not say that they changed. */
  readonly listEveryMs?: number;
}

interface Connected {
  readonly client: Client;
  readonly tools: Map<string, Pin>;
  /** Tools that no longer look as they did, with what to say of them. */
  readonly changed: Map<string, string>;
  /** Those whose name no capability can have; said once. */
  readonly unusable: Set<string>;
  listedAt: number;
  looking: Promise<void> | null;
}

const connectMs = 20_000;
const toolsMax = 1_000;
const listEveryMsDefault = 60_000;
const breakerOptions = { failuresMax: 3, openMs: 10_000, openMsMax: 300_000 };
/** Such requests stay open while a server has something to say. */
const streamMs = 3_600_000;

export const newServer = (options: ServerOptions): McpServer => {
  const { name, log, breaker = newBreaker(breakerOptions), listEveryMs = listEveryMsDefault } = options;
  let connection: Promise<Connected> | null = null;
  let closed = false;

  const connect = (): Promise<Connected> => {
    if (connection) return connection;
    if (closed) throw lost(name, 'the agent is ending');
    const wait = breaker.wait();
    if (wait !== null)
      throw new Stopped(
        retry(
          'mcp_circuit_open',
          `MCP server "${name}" failed again and again; it is left alone for ${Math.ceil(wait / 1_000)} s.`,
          {
            afterMs: wait,
          },
        ),
      );
    const opening = open(options, () => {
      // Only what is current: an older connection may end later than its successor began.
      if (connection !== opening) return;
      connection = null;
      if (closed) return;
      breaker.failed();
      log.warn({ server: name }, 'An MCP server has ended; it is started again when it is next needed.');
    });
    connection = opening;
    opening.catch((error: unknown) => {
      if (connection === opening) connection = null;
      breaker.failed();
      log.warn({ server: name, error }, 'An MCP server could not be connected.');
    });
    return opening;
  };

  /** What can't be talked to any more is given up, so that the next call connects anew. */
  const giveUp = (opening: Promise<Connected>, error: unknown): void => {
    if (!isLost(error) || connection !== opening) return;
    connection = null;
    breaker.failed();
    log.warn({ server: name, error }, 'An MCP server is out of reach; it is connected again when it is next needed.');
    void opening.then(({ client }) => client.close()).catch(() => {});
  };
  const lookNow = async (connected: Connected): Promise<void> => {
    if (performance.now() - connected.listedAt < listEveryMs) return;
    // Whoever comes meanwhile waits for the same look.
    connected.looking ??= look(connected, options).finally(() => (connected.looking = null));
    await connected.looking;
  };

  return {
    name,
    tools: async () => (await connect()).tools,
    call: async (tool, input, { signal, timeoutMs, onProgress }) => {
      let connected: Connected;
      let opening: Promise<Connected> | null = null;
      try {
        opening = connect();
        connected = await opening;
        await lookNow(connected);
      } catch (error) {
        if (error instanceof Stopped) throw error;
        if (opening) giveUp(opening, error);
        throw lost(name, (error as Error).message);
      }
      const changed = connected.changed.get(tool);
      if (changed) throw new Stopped(reject('mcp_tool_changed', changed));
      if (!connected.tools.has(tool))
        throw new Stopped(reject('mcp_tool_missing', `MCP server "${name}" has no tool "${tool}" any more.`));
      try {
        const result = await connected.client.callTool(
          { name: tool, arguments: input },
          {
            signal,
            timeout: timeoutMs,
            resetTimeoutOnProgress: true,
            onprogress: ({ progress, total, message }) => onProgress(progress, total, message),
          },
        );
        breaker.succeeded();
        return result;
      } catch (error) {
        if (!signal.aborted) giveUp(opening, error);
        throw explain(name, tool, timeoutMs, error);
      }
    },
    close: async () => {
      closed = true;
      const open = await connection?.catch(() => null);
      await open?.client.close().catch(() => {});
    },
  };
};

const open = async (options: ServerOptions, onClose: () => void): Promise<Connected> => {
  const { name, log } = options;
  const connected: Connected = {
    client: new Client(
      { name: 'capstan', version },
      {
        // Schemas come from strangers, so they are interpreted, and never made into code.
        jsonSchemaValidator: new CfWorkerJsonSchemaValidator(),
        // The newest protocol where the server has it, else the one that it has.
        versionNegotiation: { mode: 'auto' },
        listChanged: {
          tools: {
            onChanged: () => {
              void look(connected, options).catch((error: unknown) =>
                log.warn({ server: name, error }, 'The tools of an MCP server could not be listed again.'),
              );
            },
          },
        },
      },
    ),
    tools: new Map(),
    changed: new Map(),
    unusable: new Set(),
    listedAt: 0,
    looking: null,
  };
  const { client } = connected;
  client.onerror = (error) => log.debug({ server: name, error }, 'MCP');
  try {
    await client.connect(transportOf(options), { timeout: connectMs });
    client.onclose = onClose;
    await look(connected, options);
    return connected;
  } catch (error) {
    await client.close().catch(() => {});
    throw error;
  }
};

const transportOf = ({ name, reach, log }: ServerOptions): Transport => {
  if ('command' in reach) {
    const [command, ...args] = reach.command as [string, ...string[]];
    const { env, cwd } = reach;
    const transport = new StdioClientTransport({
      command,
      args,
      env: { ...getDefaultEnvironment(), ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stderr: 'pipe',
    });
    transport.stderr?.on('data', (chunk: Buffer) =>
      log.debug({ server: name }, chunk.toString('utf8').trimEnd().slice(0, 2_000)),
    );
    return transport;
  }
  const url = new URL(reach.url);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const place = `${url.hostname}:${port}`;
  return new StreamableHTTPClientTransport(url, {
    requestInit: { headers: { ...reach.headers } },
    // Whoever wrote the manifest has chosen this place; it leads to no other.
    fetch: newFetch({
      places: { allow: [place], only: [[place]] },
      timeoutMs: streamMs,
      told: (request) => log.info({ server: name, ...request }, 'Request.'),
    }),
  });
};

/** What it has now, against what it had when it was first seen. */
const look = async (connected: Connected, { name, wanted, pins, log }: ServerOptions): Promise<void> => {
  const { tools } = await connected.client.listTools(undefined, {
    timeout: connectMs,
    // A server may say that its list is good for a day.
    cacheMode: 'refresh',
  });
  connected.listedAt = performance.now();
  const present = new Set<string>();
  for (const tool of tools.slice(0, toolsMax)) {
    if (!wanted(tool.name) || connected.unusable.has(tool.name)) continue;
    if (!capability.safeParse(`mcp.${name}.${tool.name}`).success) {
      connected.unusable.add(tool.name);
      log.warn({ server: name, tool: tool.name }, 'This tool has a name that no capability can have; it is left out.');
      continue;
    }
    const definition: Definition = {
      name: tool.name,
      description: tool.description ?? '',
      inputSchema: tool.inputSchema,
      outputSchema: tool.outputSchema,
    };
    const pin = await pins.pin(name, definition);
    present.add(tool.name);
    connected.tools.set(tool.name, pin);
    if (pin.sha256 === hashOf(definition)) connected.changed.delete(tool.name);
    else {
      const key = pins.key(name, tool.name);
      const words = `Tool "${tool.name}" of MCP server "${name}" is not what it was when it was first seen (${pin.at}): its ${difference(pin, definition)} changed. If that is meant to be, remove the key ${key} from the bucket of tools, and restart the executor.`;
      connected.changed.set(tool.name, words);
      log.error({ server: name, tool: tool.name, key }, words);
    }
  }
  for (const gone of connected.tools.keys()) if (!present.has(gone)) connected.tools.delete(gone);
};

/** The way to it is gone, or it has forgotten the session: what it answers to a session that it doesn't know is 404, or 400. */
const isLost = (error: unknown): boolean => {
  if (error instanceof SdkHttpError)
    return error.status === undefined || [400, 404].includes(error.status) || error.status >= 500;
  if (error instanceof SdkError) return lostCodes.has(error.code);
  // What it answers to a call itself has a code of JSON-RPC; anything else comes from underneath.
  return typeof (error as { code?: unknown }).code !== 'number';
};
const lostCodes: ReadonlySet<string> = new Set(['NOT_CONNECTED', 'CONNECTION_CLOSED', 'SEND_FAILED']);

const lost = (name: string, why: string): Stopped =>
  new Stopped(retry('mcp_unavailable', `MCP server "${name}" is out of reach: ${why}`));

const explain = (name: string, tool: string, timeoutMs: number, error: unknown): Stopped => {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof SdkError && error.code === 'REQUEST_TIMEOUT')
    return new Stopped(
      retry('mcp_timeout', `"${tool}" of MCP server "${name}" gave no sign of life for ${timeoutMs} ms.`),
    );
  if (error instanceof SdkError || isLost(error)) return lost(name, message);
  const code = (error as { code?: unknown }).code;
  // What JSON-RPC calls "invalid params" and "no such method" would be no better next time.
  if (code === -32_602 || code === -32_601)
    return new Stopped(reject('mcp_refused', `MCP server "${name}" refuses "${tool}": ${message}`));
  return new Stopped(retry('mcp_failed', `"${tool}" of MCP server "${name}" failed: ${message}`));
};
