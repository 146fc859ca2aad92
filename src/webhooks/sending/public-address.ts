import { BlockList, isIPv4 } from 'node:net';

/** IPv4 that is not everybody's, by the IANA IPv4 Special-Purpose Address Registry (RFC 6890). */
const NOT_PUBLIC_V4 = [
  '0.0.0.0/8', // this host
  '10.0.0.0/8', // private (RFC 1918)
  '100.64.0.0/10', // carrier-grade NAT (RFC 6598); metadata of Alibaba
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // host of virtual machines in Azure
  '169.254.0.0/16', // link-local; metadata of AWS, Azure, Google
  '172.16.0.0/12', // private
  '192.0.0.0/24', // IETF protocols; metadata of Oracle
  '192.0.2.0/24', // documentation (RFC 5737)
  '192.88.99.0/24', // 6to4 relays, given up (RFC 7526)
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks (RFC 2544)
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
];

/** All of IPv6 that is given out to networks (RFC 4291, 2.4). */
const GLOBAL_V6 = '2000::/3';
/** What within it is none (IANA IPv6 Special-Purpose Address Registry), or leads to an IPv4 address inside of it. */
const NOT_PUBLIC_V6 = [
  '2001::/23', // IETF protocols: Teredo, benchmarks, ORCHID
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4
  '3fff::/20', // documentation (RFC 9637)
];

const notPublicV4 = listOf(NOT_PUBLIC_V4, 'ipv4');
const globalV6 = listOf([GLOBAL_V6], 'ipv6');
const notPublicV6 = listOf(NOT_PUBLIC_V6, 'ipv6');

/**
 * Whether an address can be somebody's on the internet: neither this machine nor a network around it, nor a service of the
 * cloud that it runs in. IPv4 in IPv6 (mapped, NAT64, 6to4, Teredo) is none, whatever it leads to.
 * @param address IPv4 in four decimal numbers, or IPv6; anything else is not public.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !notPublicV4.check(address, 'ipv4');
  // A zone (fe80::1%eth0) belongs to this machine.
  if (address.includes('%')) return false;
  return globalV6.check(address, 'ipv6') && !notPublicV6.check(address, 'ipv6');
}

function listOf(networks: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, prefix] = network.split('/');
    list.addSubnet(address!, Number(prefix), family);
  }
  return list;
}
