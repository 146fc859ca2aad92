import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Env } from '../../../config/env.js';
import { problem } from '../../kernel/problem.js';
import { isPublicAddress } from './public-address.js';

const DNS_WAIT_MS = 2_000;
const DNS_TRIES = 2;
/** NXDOMAIN and NODATA: an answer, and it says that there is nothing. */
const NOTHING = ['ENOTFOUND', 'ENODATA'];
/** One sentence for both: whoever may make a webhook is not to find out which names there are around us. */
const NAME_REFUSED = 'The name of the host does not resolve, or not to public addresses alone';
export const MAX_URL_LENGTH = 2_048;
/** Below it stand services that speak other languages, and none of them is a receiver's. */
const FIRST_FREE_PORT = 1_024;
const WEB_PORTS = [80, 443];

/** Where a request goes: its address, and what its host was found to be. The connection is made to one of these. */
export interface Target {
  url: URL;
  addresses: { address: string; family: 4 | 6 }[];
  /** All of them are public: what comes back may be shown. */
  isPublic: boolean;
}

/** What is wrong with an address of a receiver, in words that say nothing of the networks around us. */
export class TargetRefused extends Error {}

/**
 * Says where webhooks may go (server-side request forgery): by `https` to public addresses, unless WEBHOOK_TARGETS allows
 * any. A name is looked up once for each request, and the request goes to what was looked at: another answer of DNS a
 * moment later changes nothing.
 */
@Injectable()
export class Targets {
  private readonly any: boolean;

  constructor(private readonly env: Env) {
    this.any = env.webhookTargets === 'any';
  }

  /**
   * Finds out where a request to `address` would go.
   * @throws TargetRefused where none may go; the same for a host that is not there and one that is ours. Problem
   * `external_service_failed` when DNS gives no answer.
   */
  async find(address: string): Promise<Target> {
    const url = this.read(address);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const family = isIP(host);
    const found = family === 0 ? await this.lookUp(host) : [host];
    const isPublic = found.length > 0 && found.every(isPublicAddress);
    if (found.length === 0 || (!isPublic && !this.any))
      throw new TargetRefused(family === 0 ? NAME_REFUSED : 'The host has no public address');
    return { url, isPublic, addresses: found.map((one) => ({ address: one, family: isIP(one) === 6 ? 6 : 4 })) };
  }

  /** What can be seen without asking anybody. */
  private read(address: string): URL {
    const url = address.length <= MAX_URL_LENGTH ? URL.parse(address) : null;
    const schemes = this.any ? ['https:', 'http:'] : ['https:'];
    if (!url || !schemes.includes(url.protocol))
      throw new TargetRefused(`The address has to begin with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`);
    if (url.username || url.password) throw new TargetRefused('The address may hold no user and no password');
    if (url.hash) throw new TargetRefused('The address may hold no fragment');
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    if (port < FIRST_FREE_PORT && !WEB_PORTS.includes(port))
      throw new TargetRefused(`The port has to be ${WEB_PORTS.join(', ')}, or ${FIRST_FREE_PORT} and above`);
    return url;
  }

  /**
   * Not by `dns.lookup`: that holds one of the four threads on which passwords are hashed for as long as somebody's
   * server takes to answer.
   */
  private async lookUp(name: string): Promise<string[]> {
    // RFC 6761, 6.3: never asked of DNS.
    if (/(^|\.)localhost\.?$/.test(name)) return ['127.0.0.1'];
    const resolver = new Resolver({ timeout: DNS_WAIT_MS, maxTimeout: DNS_WAIT_MS, tries: DNS_TRIES });
    if (this.env.dnsServers.length > 0) resolver.setServers(this.env.dnsServers);
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const failed = answers.some(
      (answer) =>
        answer.status === 'rejected' && !NOTHING.includes((answer.reason as NodeJS.ErrnoException).code ?? ''),
    );
    if (found.length === 0 && failed)
      throw problem('external_service_failed', { detail: 'DNS gives no answer about the host; try again' });
    return found;
  }
}
