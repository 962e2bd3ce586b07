import { BlockList, isIP } from 'node:net';

/**
 * Which addresses a server may call for its users (atk-67): those of the public internet, and what its operator allows besides: `10.1.0.0/16`,
 * `fd00::/8`, `192.0.2.7`, or a name, `hooks.intern`.
 */
export type AllowedAddresses = {
  /** Whether all that the name resolves to is fine, wherever it is. */
  name(host: string): boolean;
  address(address: string): boolean;
};

/** Throws RangeError for what is neither an address, a network nor a name. */
export const allowedAddresses = (besides: readonly string[] = []): AllowedAddresses => {
  const names = new Set<string>();
  const networks = new BlockList();
  for (const entry of besides) {
    const [network = '', bits] = entry.split('/');
    const family = isIP(network);
    if (family === 0 && /^[a-z0-9.-]+$/i.test(entry)) names.add(entry.toLowerCase());
    else if (family !== 0 && /^\d*$/.test(bits ?? ''))
      networks.addSubnet(network, Number(bits || (family === 4 ? 32 : 128)), familyOf(family));
    else throw new RangeError(`${JSON.stringify(entry)} is no address, no network and no name`);
  }
  return {
    name: (host) => names.has(host.toLowerCase()),
    address: (address) => {
      const plain = unmapped(address);
      const family = isIP(plain);
      return family !== 0 && (networks.check(plain, familyOf(family)) || isPublic(plain, family));
    },
  };
};

const isPublic = (address: string, family: number): boolean =>
  family === 4 ? !special.check(address, 'ipv4') : global6.check(address, 'ipv6') && !special.check(address, 'ipv6');

const familyOf = (family: number): 'ipv4' | 'ipv6' => (family === 4 ? 'ipv4' : 'ipv6');

/** An IPv4 address that is written as an IPv6 one is what it stands for. */
const unmapped = (address: string): string => {
  const plain = address.replace(/%.*$/, '');
  if (isIP(plain) !== 6) return plain;
  const [, dotted, high, low] =
    /^\[?::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]+):([0-9a-f]+))\]?$/i.exec(new URL(`http://[${plain}]`).hostname) ?? [];
  if (dotted !== undefined) return dotted;
  if (high === undefined || low === undefined) return plain;
  return [high, low].flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]).join('.');
};

/** IANA's special-purpose registries; of IPv6 only 2000::/3 is given out at all. */
const special = new BlockList();
for (const network of [
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
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
]) {
  const [address = '', bits] = network.split('/');
  special.addSubnet(address, Number(bits), familyOf(isIP(address)));
}
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');
