// Which places a request may go to. Addresses come from whoever submits tasks, so nothing inside the walls is reachable
// (loopback, private networks, link-local with its cloud metadata) unless the configuration lists it as host:port.
import { BlockList, isIP } from 'node:net';

export interface Places {
  /** `host:port`, reachable even where private; `*` for any port, `*.name` for any host below a name. */
  readonly allow: readonly string[];
  /** Lists of the only places: what is not in each of them is out of reach. */
  readonly only?: readonly (readonly string[])[];
}

/** Whether a host and port as written may be tried at all. */
export const mayTry = (places: Places, host: string, port: number): boolean =>
  (places.only ?? []).every((list) => list.some((pattern) => matches(pattern, host, port)));

/** Whether the address that the host turned out to have may be connected to. */
export const mayConnect = (places: Places, host: string, port: number, address: string): boolean =>
  !isInside(address) || places.allow.some((pattern) => matches(pattern, host, port) || matches(pattern, address, port));

const matches = (pattern: string, host: string, port: number): boolean => {
  const colon = pattern.lastIndexOf(':');
  const [name, ports] =
    colon < 0 || pattern.endsWith(']') ? [pattern, ''] : [pattern.slice(0, colon), pattern.slice(colon + 1)];
  const samePort = ports === '*' || (ports === '' ? port === 80 || port === 443 : Number(ports) === port);
  return samePort && sameHost(bare(name).toLowerCase(), bare(host).toLowerCase());
};

const sameHost = (pattern: string, host: string): boolean =>
  pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : pattern === host.replace(/\.$/, '');

/** An IPv6 address as it stands in a URL has brackets. */
export const bare = (host: string): string => (host.startsWith('[') ? host.slice(1, -1) : host);

/** Not an address of the public internet. */
export const isInside = (address: string): boolean => {
  const family = isIP(address);
  if (family === 0) return true;
  if (family === 4) return inside.check(address, 'ipv4');
  const embedded = embeddedIPv4(address);
  return embedded === null ? inside.check(address, 'ipv6') : inside.check(embedded, 'ipv4');
};

/** Several kinds of IPv6 address are another way to write an IPv4 one. */
const embeddedIPv4 = (address: string): string | null => {
  const groups = expand(address);
  const head = groups.slice(0, 6).join(':');
  const mapped = head === '0:0:0:0:0:ffff' || head === '0:0:0:0:ffff:0' || head === '64:ff9b:0:0:0:0';
  if (!mapped) return null;
  const [high, low] = [groups[6], groups[7]].map((group) => Number.parseInt(group as string, 16)) as [number, number];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
};

/** The eight groups, in lower case and without leading zeros. */
const expand = (address: string): string[] => {
  // The URL parser writes every form of it in the one way, an IPv4 tail too.
  const text = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::') as [string, string?];
  const front = head ? head.split(':') : [];
  const back = tail ? tail.split(':') : [];
  return tail === undefined ? front : [...front, ...Array<string>(8 - front.length - back.length).fill('0'), ...back];
};

const inside = new BlockList();
for (const range of [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]) {
  const [net, bits] = range.split('/') as [string, string];
  inside.addSubnet(net, Number(bits), 'ipv4');
}
for (const range of [
  '::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]) {
  const [net, bits] = range.split('/') as [string, string];
  inside.addSubnet(net, Number(bits), 'ipv6');
}
