// Whether a connection may be made, and to which address: the name is looked up here and nowhere else, and what was checked is what is connected to.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { mayConnect, mayTry, type Places } from '@capstan/kit';

export interface Rules extends Places {
  /** For tests, which have names that nobody else knows. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

export type Decision =
  | { readonly host: string; readonly port: number; readonly address: string }
  | { readonly refused: string };

/** Names as they are written in a list: no numbers in disguise, no user before an "@", no dot at the end. */
const hostname = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*$/i;

export const decide = async (target: string, rules: Rules): Promise<Decision> => {
  const [, written = '', digits = ''] = /^(.+):(\d{1,5})$/.exec(target) ?? [];
  const host = written.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const port = Number(digits);
  if (port < 1 || port > 65_535 || (!hostname.test(host) && isIP(host) === 0)) return { refused: 'it is no host:port' };
  if (!mayTry(rules, host, port)) return { refused: 'it is not in the list of this step' };
  let addresses: readonly string[];
  try {
    addresses = isIP(host) ? [host] : await (rules.resolve ?? lookUp)(host);
  } catch {
    return { refused: 'its name is not known' };
  }
  const address = addresses.find((one) => mayConnect(rules, host, port, one));
  return address === undefined
    ? { refused: 'it has a private address; sandbox.allow in the configuration may allow it' }
    : { host, port, address };
};

const lookUp = async (host: string): Promise<string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address);
