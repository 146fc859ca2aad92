import { BlockList, isIP } from 'node:net';

const WIDTH = 128;
/** IPv4 in the notation of IPv6 (RFC 4291, 2.5.5.2): `::ffff:0:0/96`. */
const MAPPED_PREFIX = 96;
const MAPPED = 0xffffn;

/**
 * Reads a range in CIDR notation (RFC 4632, RFC 4291) or a single address. A range that begins in its middle is a slip
 * of the keyboard more often than a wish, and 203.0.113.77/2 would open a quarter of the internet: it is refused.
 * @returns the range in its one spelling, `203.0.113.0/24` or `2001:db8::/32` (RFC 5952), IPv4 never in that of IPv6;
 * or what is wrong with it, to go on after the text.
 */
export function readRange(text: string): { range: string } | { fault: string } {
  const [, address = '', length] = /^([^/%]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const family = isIP(address);
  if (family === 0) return { fault: 'is neither an address nor a range such as 203.0.113.0/24' };
  const shift = family === 4 ? MAPPED_PREFIX : 0;
  const prefix = shift + Number(length ?? WIDTH - shift);
  if (prefix > WIDTH) return { fault: `has a prefix longer than ${WIDTH - shift} bits` };
  const bits = toBits(family === 4 ? `::ffff:${address}` : address);
  const hostBits = BigInt(WIDTH - prefix);
  const network = (bits >> hostBits) << hostBits;
  const range = write(network, prefix);
  return network === bits ? { range } : { fault: `does not begin where its network does; that is ${range}` };
}

function write(network: bigint, prefix: number): string {
  if (prefix >= MAPPED_PREFIX && network >> 32n === MAPPED) {
    const bytes = [24n, 16n, 8n, 0n].map((shift) => (network >> shift) & 0xffn);
    return `${bytes.join('.')}/${prefix - MAPPED_PREFIX}`;
  }
  const groups = network.toString(16).padStart(32, '0').match(/.{4}/g)!;
  return `${compressed(groups.join(':'))}/${prefix}`;
}

function toBits(address: string): bigint {
  const [head, tail] = compressed(address)
    .split('::')
    .map((part) => part.split(':').filter(Boolean)) as [string[], string[]?];
  const groups = tail ? [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail] : head;
  return BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`);
}

/** An IPv6 address as RFC 5952 writes it; URLs hold it so (WHATWG URL, host serializing). */
function compressed(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

const EVERY_IPV4 = new BlockList();
EVERY_IPV4.addSubnet('0.0.0.0', 0, 'ipv4');

/** Ranges, parsed once, for a check of 0.3 µs. */
export class IpRanges {
  // Apart: a list of Node's takes 203.0.113.7 for a part of ::/0.
  private readonly ipv4 = new BlockList();
  private readonly ipv6 = new BlockList();

  /** @param ranges one that cannot be read holds no address. */
  constructor(ranges: readonly string[]) {
    for (const text of ranges) {
      const read = readRange(text);
      if ('fault' in read) continue;
      const [address, prefix] = read.range.split('/') as [string, string];
      if (isIP(address) === 4) this.ipv4.addSubnet(address, Number(prefix), 'ipv4');
      else this.ipv6.addSubnet(address, Number(prefix), 'ipv6');
    }
  }

  /** @param ip also IPv4 as a socket for both families gives it, `::ffff:203.0.113.7`; what is no address is in no range. */
  includes(ip: string): boolean {
    const family = isIP(ip);
    if (family === 0) return false;
    if (family === 4) return this.ipv4.check(ip, 'ipv4');
    return (EVERY_IPV4.check(ip, 'ipv6') ? this.ipv4 : this.ipv6).check(ip, 'ipv6');
  }
}
