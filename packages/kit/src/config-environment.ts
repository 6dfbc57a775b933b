// The environment as a layer of configuration, over what the files say.
import type { Path } from './config-file.ts';
import { ConfigMistake } from './config-mistake.ts';

export interface FromEnvironment {
  readonly path: Path;
  readonly as: 'text' | 'number' | 'flag' | 'list';
}

/** One source of settings. */
export interface Layer {
  readonly value: Record<string, unknown>;
  /** Where it says a setting, for a person; null where it doesn't. */
  where(path: Path): string | null;
}

export const environmentLayer = (
  sections: Readonly<Record<string, Readonly<Record<string, FromEnvironment>>>>,
  env: NodeJS.ProcessEnv,
): Layer => {
  const value: Record<string, unknown> = {};
  const from = new Map<string, string>();
  const take = (name: string, target: FromEnvironment, path: Path) => {
    // Compose files write NAME=${NAME:-}, so an empty variable is one that was not set.
    const text = env[name];
    if (!text) return;
    place(value, path, readVariable(name, text, target.as));
    from.set(path.join('\0'), name);
  };
  for (const [name, target] of Object.entries(commonEnvironment)) take(name, target, target.path);
  for (const [section, variables] of Object.entries(sections)) {
    for (const [name, target] of Object.entries(variables)) take(name, target, [section, ...target.path]);
  }
  const nameOf = (path: Path): string | null => {
    for (let length = path.length; length > 0; length--) {
      const name = from.get(path.slice(0, length).join('\0'));
      if (name) return name;
    }
    return null;
  };
  return { value, where: nameOf };
};

const readVariable = (name: string, text: string, as: FromEnvironment['as']): unknown => {
  if (as === 'text') return text;
  if (as === 'list') return text.split(/[\s,]+/).filter((entry) => entry.length > 0);
  if (as === 'number') {
    if (!/^-?\d+(\.\d+)?$/.test(text.trim()))
      throw new ConfigMistake(`${name}: must be a number; it is "${text.slice(0, 24)}". Correct it, or unset it.`);
    return Number(text);
  }
  const word = text.trim().toLowerCase();
  if (['1', 'true', 'yes', 'on'].includes(word)) return true;
  if (['0', 'false', 'no', 'off'].includes(word)) return false;
  throw new ConfigMistake(`${name}: must be 1 or 0; it is "${text.slice(0, 24)}". Correct it, or unset it.`);
};

const commonEnvironment: Readonly<Record<string, FromEnvironment>> = {
  CAPSTAN_NATS_URL: { path: ['nats', 'url'], as: 'text' },
  CAPSTAN_NATS_USER: { path: ['nats', 'user'], as: 'text' },
  CAPSTAN_NATS_PASSWORD: { path: ['nats', 'password'], as: 'text' },
  CAPSTAN_NATS_CREDS: { path: ['nats', 'creds'], as: 'text' },
  CAPSTAN_NATS_INBOX_PREFIX: { path: ['nats', 'inbox_prefix'], as: 'text' },
  CAPSTAN_STRICT: { path: ['nats', 'strict'], as: 'flag' },
  CAPSTAN_NAMESPACE: { path: ['namespace'], as: 'text' },
  CAPSTAN_INSTANCE: { path: ['instance'], as: 'text' },
  CAPSTAN_LOG_LEVEL: { path: ['log', 'level'], as: 'text' },
  CAPSTAN_HEALTH_PORT: { path: ['health', 'port'], as: 'number' },
  CAPSTAN_DRAIN_MS: { path: ['drain_ms'], as: 'number' },
  CAPSTAN_UNSAFE_HOST_SHELL: { path: ['unsafe_host_shell'], as: 'flag' },
  CAPSTAN_REHEARSE: { path: ['rehearse'], as: 'flag' },
  CAPSTAN_SANDBOX: { path: ['sandbox', 'use'], as: 'text' },
  CAPSTAN_SANDBOX_IMAGE: { path: ['sandbox', 'image'], as: 'text' },
  CAPSTAN_SANDBOX_ALLOW: { path: ['sandbox', 'allow'], as: 'list' },
  CAPSTAN_SANDBOX_SCOPE: { path: ['sandbox', 'scope'], as: 'text' },
  CAPSTAN_SANDBOX_WARM: { path: ['sandbox', 'warm'], as: 'number' },
  CAPSTAN_WORKSPACES: { path: ['workspaces'], as: 'text' },
  CAPSTAN_SECRETS_ALLOW: { path: ['secrets', 'allow'], as: 'list' },
  CAPSTAN_VAULT_ADDRESS: { path: ['secrets', 'vault', 'address'], as: 'text' },
  CAPSTAN_VAULT_NAMESPACE: { path: ['secrets', 'vault', 'namespace'], as: 'text' },
  CAPSTAN_VAULT_TOKEN: { path: ['secrets', 'vault', 'token'], as: 'text' },
  CAPSTAN_VAULT_TOKEN_FILE: { path: ['secrets', 'vault', 'token_file'], as: 'text' },
};

const place = (into: Record<string, unknown>, path: Path, value: unknown): void => {
  let at = into;
  for (const part of path.slice(0, -1)) {
    at[part] ??= {};
    at = at[part] as Record<string, unknown>;
  }
  at[path[path.length - 1] as string] = value;
};
