import { isIP } from 'node:net';

/**
 * What of X-Forwarded-For can be believed: addresses alone, from its right end up to the first item that is none. An
 * address stands on trail, sessions and mails and is whom limits count, so no other text may take its place. Gateways
 * that append the client's port would give every connection limits of its own; the port is cut off.
 * @returns nothing where no address is left; the request then comes from its socket.
 */
export function readForwardedFor(header: string): string | undefined {
  const addresses: string[] = [];
  for (const item of header.split(',').toReversed()) {
    const address = withoutPort(item.trim());
    if (isIP(address) === 0 || address.includes('%')) break;
    addresses.unshift(address);
  }
  return addresses.length > 0 ? addresses.join(', ') : undefined;
}

/** `203.0.113.7:52100` and `[2001:db8::7]:52100`. */
function withoutPort(item: string): string {
  const [, v6, v4] = /^(?:\[([^\]]*)\]|(\d+(?:\.\d+){3}))(?::\d{1,5})?$/.exec(item) ?? [];
  return v6 ?? v4 ?? item;
}
