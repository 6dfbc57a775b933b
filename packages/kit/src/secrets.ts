// Turns `{ "$secret": "env:NAME" }` into its value, for the agent alone, and has it masked from then on.
// Anybody who may submit a task may name a secret, so only what the configuration allows is given out.
import { readFile, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { CommonConfig } from './config.ts';
import { type Mask, secretLengthMin } from './masking.ts';
import type { ToldRequest } from './outbound/request.ts';
import { reject, Stopped } from './outcome.ts';
import { readFromVault, type Vault } from './secrets-vault.ts';

export interface SecretSource {
  /** Patterns `env:NAME`, `file:/path` and `vault:mount/path#key`, with `*` at the end for any ending. */
  readonly allow: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly vault?: Vault | undefined;
  /** Every request to Vault, once it is answered or has failed. */
  readonly told?: ((request: ToldRequest) => void) | undefined;
}

export const secretSource = (
  { secrets }: Pick<CommonConfig, 'secrets'>,
  told?: (request: ToldRequest) => void,
): SecretSource => {
  const { address, namespace, token, token_file: tokenFile } = secrets.vault;
  const vault = address === undefined ? undefined : { address, namespace, token, tokenFile };
  return { allow: secrets.allow, env: process.env, vault, told };
};

/** A copy of a value with every secret in it resolved. Throws `Stopped` where one is not allowed or not there. */
export const resolveSecrets = async (
  value: unknown,
  source: SecretSource,
  masks: readonly Mask[],
): Promise<unknown> => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Promise.all(value.map((inner) => resolveSecrets(inner, source, masks)));
  if (isSecret(value)) {
    const secret = await read(value.$secret, source, masks);
    for (const mask of masks) mask.add(secret);
    return secret;
  }
  const entries = Object.entries(value).map(
    async ([key, inner]) => [key, await resolveSecrets(inner, source, masks)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
};

const isSecret = (value: object): value is { $secret: string } =>
  typeof (value as { $secret?: unknown }).$secret === 'string' && Object.keys(value).length === 1;

const read = async (name: string, source: SecretSource, masks: readonly Mask[]): Promise<string> => {
  const [kind, rest] = split(name);
  if (kind !== 'env' && kind !== 'file' && kind !== 'vault')
    throw refused(
      'secret_unsupported',
      `"${name}" is no secret; write "env:NAME", "file:/path" or "vault:mount/path#key".`,
    );
  const secret =
    kind === 'env'
      ? fromEnvironment(rest, source)
      : kind === 'file'
        ? await fromFile(rest, source)
        : await fromVault(rest, source, masks);
  // Masking it would take ordinary words out of every line; not masking it would give it away.
  if (secret.length < secretLengthMin)
    throw refused(
      'secret_too_short',
      `"${name}" is shorter than ${secretLengthMin} characters, so it could not be masked.`,
    );
  return secret;
};

const fromEnvironment = (name: string, { allow, env }: SecretSource): string => {
  // The agent's own credentials are not the task's, whatever the pattern says.
  const ours = name.startsWith('CAPSTAN_') && !name.startsWith('CAPSTAN_SECRET_');
  if (ours || !allow.some((pattern) => matches(pattern, `env:${name}`))) throw notAllowed(`env:${name}`);
  const secret = env[name];
  if (!secret) throw refused('secret_missing', `The environment of this agent has no ${name}.`);
  return secret;
};

const fromVault = async (
  rest: string,
  { allow, vault, told }: SecretSource,
  masks: readonly Mask[],
): Promise<string> => {
  if (!vault)
    throw refused(
      'secret_unsupported',
      `"vault:${rest}": this agent has no Vault. Set secrets.vault.address in the configuration, or CAPSTAN_VAULT_ADDRESS.`,
    );
  if (!allow.some((pattern) => matches(pattern, `vault:${rest}`))) throw notAllowed(`vault:${rest}`);
  return readFromVault(rest, vault, masks, told);
};

const fileBytesMax = 64 * 1024;

const fromFile = async (path: string, { allow }: SecretSource): Promise<string> => {
  const wanted = resolve('/', path);
  if (!allow.some((pattern) => matches(pattern, `file:${wanted}`))) throw notAllowed(`file:${path}`);
  let text: string;
  try {
    const real = await realpath(wanted);
    if (!(await staysInside(allow, wanted, real))) throw notAllowed(`file:${path}`);
    text = await readFile(real, 'utf8');
  } catch (error) {
    if (error instanceof Stopped) throw error;
    throw refused('secret_missing', `The file ${wanted} can't be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  if (text.length > fileBytesMax) throw refused('secret_too_large', `The file ${wanted} is too large for a secret.`);
  return text.replace(/\r?\n$/, '');
};

/** A link must not lead out of what is allowed; the allowed folder itself may be one. */
const staysInside = async (allow: readonly string[], wanted: string, real: string): Promise<boolean> => {
  if (allow.some((pattern) => matches(pattern, `file:${real}`))) return true;
  for (const pattern of allow) {
    if (!matches(pattern, `file:${wanted}`)) continue;
    if (!pattern.endsWith('*')) return true;
    const folder = await realpath(dirname(`${pattern.slice('file:'.length, -1)}x`)).catch(() => null);
    if (folder && real.startsWith(`${folder}/`)) return true;
  }
  return false;
};

const matches = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

const split = (name: string): [kind: string, rest: string] => {
  const colon = name.indexOf(':');
  return colon < 0 ? ['', name] : [name.slice(0, colon), name.slice(colon + 1)];
};

const refused = (code: string, message: string): Stopped => new Stopped(reject(code, message));

const notAllowed = (name: string): Stopped =>
  refused(
    'secret_forbidden',
    `The secret "${name}" is not given to tasks. Add it to secrets.allow in the configuration, or to CAPSTAN_SECRETS_ALLOW.`,
  );
