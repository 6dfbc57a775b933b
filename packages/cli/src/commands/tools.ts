// `capstan tools`: what the agents can do, with what each takes and gives.
import { listAgents } from '../answers.ts';
import type { Client } from '../client.ts';
import { defineCommand } from '../command.ts';
import { CommandError, exits } from '../exit.ts';
import { nearestOf } from '../nearest.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { clean, jsonText, padded } from '../text.ts';
import { type DescribedTool, readTools } from '../tools.ts';

export const tools = defineCommand({
  name: 'tools',
  group: 'operate',
  summary: 'List the tools that agents offer, or describe one',
  description:
    'A step names a tool as its "capability". With --json, every tool comes with the JSON Schemas of its input and output.',
  arguments: [{ name: 'name', text: 'the tool to describe', optional: true }],
  options: {},
  examples: [
    { run: 'capstan tools', what: 'name, risk and purpose of each' },
    { run: 'capstan tools shell', what: 'what it takes, what it gives, what it needs' },
    { run: 'capstan tools --json | jq -r ".tools[].name"', what: 'for programs, with JSON Schemas' },
  ],
  run: async ({ args, connect, json, terminal }) => {
    const client = await connect();
    const described = await offered(client);
    if (args.name === undefined) {
      if (json) terminal.print(jsonText({ tools: described }));
      else list(terminal, described);
      return exits.ok;
    }
    const wanted = args.name;
    const found = described.find(({ name }) => name === wanted);
    if (!found)
      throw missing(
        wanted,
        described.map(({ name }) => name),
      );
    if (json) terminal.print(jsonText(found, 2));
    else describe(terminal, found);
    return exits.ok;
  },
});

/** With how many live agents offer each. What the live agents of a queue offer no longer is history, and left out. */
const offered = async (client: Client): Promise<(DescribedTool & { agents: number })[]> => {
  const [described, { items }] = await Promise.all([readTools(client), listAgents(client, {})]);
  const agentsOf = (tool: DescribedTool): number =>
    items.filter(({ queue, capabilities }) => queue === tool.queue && capabilities.includes(tool.name)).length;
  const alive = new Set(items.map(({ queue }) => queue));
  return described
    .map((tool) => ({ ...tool, agents: agentsOf(tool) }))
    .filter(({ agents, queue }) => agents > 0 || !alive.has(queue));
};

const list = (terminal: Terminal, described: readonly (DescribedTool & { agents: number })[]): void => {
  if (described.length === 0) {
    terminal.remark(
      'No agent has described its tools. `npm start` starts an executor; `capstan agents` lists what is alive.',
    );
    return;
  }
  const rows = described.map(({ name, queue, risk, agents, description }) => [
    clean(name),
    clean(queue),
    risk,
    String(agents),
    clean(description),
  ]);
  for (const line of table([['TOOL', 'QUEUE', 'RISK', 'AGENTS', 'WHAT IT DOES'], ...rows], terminal.size().columns))
    terminal.print(line);
};

const describe = (terminal: Terminal, tool: DescribedTool & { agents: number }): void => {
  const { programs, egress, secrets, sandbox, time_ms: timeMs } = tool.needs;
  const needs = [
    ...(sandbox ? ['a sandbox for its commands'] : []),
    ...(programs ? [`programs: ${programs.join(', ')}`] : []),
    ...(egress
      ? [`network: ${egress.includes('*') ? 'where its input or the configuration says' : egress.join(', ')}`]
      : []),
    ...(secrets ? [`secrets: ${secrets.join(', ')}`] : []),
    ...(timeMs === undefined ? [] : [`time: up to ${Math.round(timeMs / 1_000)} s`]),
  ];
  const facts = [
    ['tool', tool.name],
    ['what', tool.description],
    ['risk', `${tool.risk}; a step with it has at least that: high and critical wait for approval`],
    ['needs', needs.join('; ') || 'nothing'],
    ['agents', `${tool.agents} alive in queue ${tool.queue}`],
  ] as const;
  for (const [name, value] of facts) terminal.print(`${terminal.style.dim(padded(name, 7))} ${clean(value)}`);
  for (const part of ['input', 'output'] as const) {
    terminal.print('');
    terminal.print(terminal.style.bold(part));
    for (const line of fields(tool[part])) terminal.print(`  ${clean(line)}`);
  }
};

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

const fields = (schema: Schema): string[] => {
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0) return [kind(schema)];
  return properties.flatMap(([name, inner]) => {
    const must = schema.required?.includes(name) && inner.default === undefined ? ', required' : '';
    const by = inner.default === undefined ? '' : `, default ${JSON.stringify(inner.default)}`;
    const head = `${padded(name, 16)} ${kind(inner)}${must}${by}${inner.description ? `: ${inner.description}` : ''}`;
    return inner.properties ? [head, ...fields(inner).map((line) => `  ${line}`)] : [head];
  });
};

const kind = (schema: Schema): string => {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(kind))].join(' | ');
  if (schema.type === 'array') return `list of ${schema.items ? kind(schema.items) : 'anything'}`;
  return schema.type === undefined ? 'anything' : String(schema.type);
};

const missing = (wanted: string, known: readonly string[]): CommandError => {
  const meant = nearestOf(wanted, known);
  return new CommandError(exits.notFound, `No agent has described a tool "${clean(wanted)}".`, {
    code: 'not_found',
    hint: meant ? `Did you mean ${meant}?` : '`capstan tools` lists those there are.',
  });
};
