// A process's configuration: a YAML file, a local one over it, the environment on top; checked, with defaults filled in.
// What a service has of its own is a section under the service's name, which that service describes.
import { randomBytes } from 'node:crypto';
import { id, limits, namespacePattern, settings } from '@capstan/contracts';
import { z } from 'zod';
import { type ConfigFile, type Path, readConfigFile, readLocalBeside } from './config-file.ts';
import { type Layer, type FromEnvironment, environmentLayer } from './config-environment.ts';
import { ConfigMistake, explainIssue } from './config-mistake.ts';
import { sandboxConfig } from './config-sandbox.ts';
import { readPoliciesBeside } from './config-policies.ts';
import { nearest } from './nearest.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const common = z.strictObject({
  namespace: z.string().regex(namespacePattern, '1 to 32 lower-case letters, digits, "_" or "-"').default('capstan'),
  /** Tells the copies of a service apart; made up where absent. */
  instance: id.optional(),
  nats: z
    .strictObject({
      /** One address, or several with commas between. */
      url: z.string().min(1).default('nats://127.0.0.1:4222'),
      user: z.string().optional(),
      password: z.string().optional(),
      /** A credentials file, as `nsc` writes it. */
      creds: z.string().optional(),
      /** Replies come under this; a user that may not read others' needs its own, such as `_INBOX_executor`. */
      inbox_prefix: z.string().optional(),
      /** The server syncs before every acknowledgement (`sync_interval: always`), so what is due together is said together. */
      strict: z.boolean().default(false),
    })
    .prefault({}),
  log: z.strictObject({ level: z.enum(logLevels).default('info') }).prefault({}),
  health: z.strictObject({ port: z.int().min(0).max(65_535).optional(), host: z.string().optional() }).prefault({}),
  /** How long running work may take to finish once the process is told to stop. */
  drain_ms: z.int().min(0).max(3_600_000).default(limits.drainMs),
  /** Lets every task run commands on this host, as this user, and not in the sandbox. */
  unsafe_host_shell: z.boolean().default(false),
  /** Do made-up work at the start, so that the first real work is as quick as any: for processes that live long. */
  rehearse: z.boolean().default(false),
  /** Where the directories of tasks are, shared by every process on this machine; each has its own where this is absent. */
  workspaces: z.string().min(1).optional(),
  /** Where commands of tasks run, and what they get. */
  sandbox: sandboxConfig,
  secrets: z
    .strictObject({
      /** Which a task may name: `env:NAME`, `file:/path`, `vault:mount/path#key`, with `*` at the end for any ending. */
      allow: z.array(z.string()).default(['env:*', 'file:/run/secrets/*']),
      vault: z
        .strictObject({
          address: z.url({ protocol: /^https?$/ }).optional(),
          namespace: z.string().optional(),
          token: z.string().optional(),
          token_file: z.string().optional(),
        })
        .prefault({}),
    })
    .prefault({}),
  settings: settings.prefault({}),
});

export type CommonConfig = z.output<typeof common>;
export type Config<Own = unknown> = Omit<CommonConfig, 'instance'> & { readonly instance: string; readonly own: Own };

/** What one service may be told, under its own name in the file. */
export interface Section<Schema extends z.ZodObject = z.ZodObject> {
  readonly schema: Schema;
  /** Environment variables, with paths inside the section. */
  readonly environment?: Readonly<Record<string, FromEnvironment>>;
}

export const emptySection = { schema: z.strictObject({}) } as const;

/** Throws `ConfigMistake`, whose message is one line for a person. */
export const loadConfig = <Schema extends z.ZodObject>(
  service: string,
  section: Section<Schema>,
  env: NodeJS.ProcessEnv = process.env,
): Config<z.output<Schema>> => {
  const layers: Layer[] = [
    ...fileLayers(env.CAPSTAN_CONFIG),
    environmentLayer({ [service]: section.environment ?? {} }, env),
  ];
  const beside = env.CAPSTAN_CONFIG ? readPoliciesBeside(env.CAPSTAN_CONFIG, ownPoliciesIn(layers)) : null;
  if (beside !== null) layers.push(beside);
  const merged = layers.reduce<Record<string, unknown>>((under, layer) => merge(under, layer.value), {});
  const shape = { ...common.shape, [service]: section.schema.prefault({} as never) };
  const own = splitForeign(merged, Object.keys(shape), layers);
  const parsed = z.strictObject(shape).safeParse(own, { reportInput: true });
  if (!parsed.success) throw new ConfigMistake(explain(parsed.error.issues, layers, shape));
  const { [service]: mine, instance, ...rest } = parsed.data as Record<string, unknown>;
  return { ...rest, instance: instance ?? madeUpInstance(), own: mine } as unknown as Config<z.output<Schema>>;
};

/** The policies that the file itself lists; those beside it come after. */
const ownPoliciesIn = (layers: readonly Layer[]): readonly unknown[] => {
  for (const { value } of layers.toReversed()) {
    const found = (value as { settings?: { policies?: { own?: unknown } } }).settings?.policies?.own;
    if (Array.isArray(found)) return found;
  }
  return [];
};

const fileLayers = (file: string | undefined): ConfigFile[] => {
  if (!file) return [];
  const base = readConfigFile(file);
  const local = readLocalBeside(file);
  return local ? [base, local] : [base];
};

/** Groups merge; anything else above replaces what is below, lists too. A setting left empty says nothing. */
const merge = (under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> => {
  const out: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) continue;
    const below = Object.hasOwn(out, key) ? out[key] : undefined;
    out[key] = isGroup(value) ? merge(isGroup(below) ? below : {}, value) : value;
  }
  return out;
};

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const services = ['coordinator', 'planner', 'executor', 'verifier', 'notifier', 'gateway', 'up'];

/** One file serves every service, so a section of another one is passed over; a name that looks mistyped is not. */
const splitForeign = (
  value: Record<string, unknown>,
  known: readonly string[],
  layers: readonly Layer[],
): Record<string, unknown> => {
  const own: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (known.includes(key)) own[key] = inner;
    else if (!services.includes(key)) {
      const meant = nearest(key, [...known, ...services]);
      if (meant || !isGroup(inner)) {
        const hint = meant ? `Did you mean ${meant}?` : `Known here: ${known.join(', ')}. Remove it.`;
        throw new ConfigMistake(`${whereOf([key], layers)}: ${key} is not a setting. ${hint}`);
      }
    }
  }
  return own;
};

const explain = (issues: readonly z.core.$ZodIssue[], layers: readonly Layer[], shape: z.core.$ZodShape): string => {
  const issue = issues[0] as z.core.$ZodIssue;
  const path = issue.path as Path;
  const at = issue.code === 'unrecognized_keys' ? [...path, issue.keys[0] as string] : path;
  const line = explainIssue(issue, whereOf(at, layers), knownAt(shape, path));
  return issues.length > 1 ? `${line} (${issues.length - 1} more like this.)` : line;
};

/** The highest layer that has the setting is the one to correct. */
const whereOf = (path: Path, layers: readonly Layer[]): string => {
  for (const layer of layers.toReversed()) {
    const where = layer.where(path);
    if (where) return where;
  }
  return 'configuration';
};

const knownAt = (shape: z.core.$ZodShape, path: Path): readonly string[] => {
  let at: unknown = z.strictObject(shape as z.ZodRawShape);
  for (const part of path) at = unwrap(at).shape?.[part];
  return Object.keys(unwrap(at).shape ?? {});
};

/** Through defaults and options, to what is inside. */
const unwrap = (schema: unknown): { shape?: Record<string | number, unknown> } => {
  let inner = schema as { def?: { innerType?: unknown }; shape?: Record<string, unknown> } | undefined;
  while (inner?.def?.innerType) inner = inner.def.innerType as typeof inner;
  return (inner ?? {}) as { shape?: Record<string | number, unknown> };
};

const madeUpInstance = (): string => randomBytes(4).toString('hex');
