// Reads secrets from HashiCorp Vault (or OpenBao), engine KV version 2, over its HTTP API: `vault:<mount>/<path>#<key>`.
// The token is the agent's own: it comes from its environment or a file, and no task can name it.
import { readFile } from 'node:fs/promises';
import type { Mask } from './masking.ts';
import type { ToldRequest } from './outbound/request.ts';
import { OutboundError, type OutboundResponse, request } from './outbound/request.ts';
import { reject, retry, Stopped } from './outcome.ts';

export interface Vault {
  /** Such as `https://vault:8200`. */
  readonly address: string;
  readonly namespace?: string | undefined;
  readonly token?: string | undefined;
  /** Read each time, so that an agent of Vault's may renew it. */
  readonly tokenFile?: string | undefined;
}

const timeoutMs = 10_000;
const bytesMax = 256 * 1_024;

/** Throws `Stopped`, with nothing of the secret or the token in its words. */
export const readFromVault = async (
  name: string,
  vault: Vault,
  masks: readonly Mask[],
  told: (request: ToldRequest) => void = () => {},
): Promise<string> => {
  const parsed = /^(?<mount>[\w-]+)\/(?<path>[\w./-]+)#(?<key>.+)$/.exec(name)?.groups as
    | { mount: string; path: string; key: string }
    | undefined;
  if (!parsed || parsed.path.split('/').includes('..'))
    throw stop(
      reject('secret_unsupported', `"vault:${name}" is no place in Vault; write "vault:<mount>/<path>#<key>".`),
    );
  const token = await tokenOf(vault);
  for (const mask of masks) mask.add(token);
  const url = new URL(`/v1/${parsed.mount}/data/${parsed.path}`, vault.address);
  const answer = await ask(name, url, token, vault, told);
  const secret = valueOf(answer, parsed.key);
  if (secret === undefined)
    throw stop(reject('secret_missing', `Vault has no key "${parsed.key}" at ${parsed.mount}/${parsed.path}.`));
  return secret;
};

const ask = async (
  name: string,
  url: URL,
  token: string,
  vault: Vault,
  told: (request: ToldRequest) => void,
): Promise<OutboundResponse> => {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  try {
    const answer = await request({
      method: 'GET',
      url: url.href,
      headers: {
        'x-vault-token': token,
        'x-vault-request': 'true',
        ...(vault.namespace === undefined ? {} : { 'x-vault-namespace': vault.namespace }),
      },
      timeoutMs,
      bytesMax,
      // A token goes where the configuration says, and nowhere else.
      redirectsMax: 0,
      places: { allow: [`${url.hostname}:${port}`] },
      told,
    });
    if (answer.status === 200) return answer;
    if (answer.status === 404)
      throw stop(reject('secret_missing', `Vault has nothing at "${name.replace(/#.*/, '')}".`));
    if (answer.status === 403)
      throw stop(
        reject(
          'secret_forbidden',
          `Vault does not give "${name}" to this agent: its token is not allowed to, or has run out.`,
        ),
      );
    throw stop(
      retry('vault_unavailable', `Vault answered ${answer.status}${answer.status === 503 ? ': it is sealed' : ''}.`),
    );
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    throw stop(retry('vault_unavailable', `Vault at ${vault.address} is out of reach: ${error.code}.`));
  }
};

const valueOf = (answer: OutboundResponse, key: string): string | undefined => {
  let body: { data?: { data?: Record<string, unknown> | null } };
  try {
    body = JSON.parse(answer.body.toString('utf8')) as typeof body;
  } catch {
    throw stop(retry('vault_unavailable', 'What answers at the address of Vault does not speak as Vault does.'));
  }
  const values = body.data?.data ?? {};
  const value = Object.hasOwn(values, key) ? values[key] : undefined;
  return value === undefined || value === null ? undefined : typeof value === 'string' ? value : JSON.stringify(value);
};

const tokenOf = async ({ token, tokenFile }: Vault): Promise<string> => {
  if (token) return token;
  const text = tokenFile === undefined ? '' : await readFile(tokenFile, 'utf8').catch(() => '');
  if (text.trim()) return text.trim();
  throw stop(
    retry(
      'vault_unavailable',
      'This agent has no token for Vault: set CAPSTAN_VAULT_TOKEN, or secrets.vault.token_file.',
    ),
  );
};

const stop = (outcome: ReturnType<typeof reject>): Stopped => new Stopped(outcome);
