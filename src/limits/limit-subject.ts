import { domainToASCII } from 'node:url';
import { normalizeIp } from '@nestjs/throttler';

/** RFC 5321 allows 254 bytes; whatever is longer than this is refused by every schema. */
const RECIPIENT_MAX = 512;

/** Who is counted. What is not known is left out. */
export interface LimitSubject {
  /** The address of the client, as Fastify knows it: X-Forwarded-For counts only from a trusted proxy. */
  ip: string;
  /** Id of the user or service account who asks. */
  account?: string | null;
  /** Id of the API key that they show. */
  key?: string | null;
  /** `email` of the body, as it came. */
  recipient?: unknown;
  /** The route that a limit per route counts. */
  route?: string;
}

/**
 * The network that is counted as one: an IPv4 address, or the /64 of an IPv6 address, which is the least that a line is
 * given (RFC 6177); whoever has one has 2⁶⁴ addresses. IPv4 in IPv6 counts as IPv4.
 */
export function networkOf(ip: string): string {
  return normalizeIp(ip);
}

/**
 * One spelling for one mailbox: other case, NFKC forms, IDN and a trailing dot do not make another. It checks nothing,
 * for it runs before validation, and it finds equal whatever the accounts find equal.
 * @returns null when there is nothing that a mail could go to.
 */
export function mailboxOf(recipient: unknown): string | null {
  if (typeof recipient !== 'string' || recipient.length > RECIPIENT_MAX) return null;
  const [localPart, domain, ...more] = recipient.normalize('NFKC').trim().toLowerCase().normalize('NFKC').split('@');
  if (!localPart || !domain || more.length > 0) return null;
  return `${localPart}@${domainToASCII(domain).replace(/\.$/, '')}`;
}
