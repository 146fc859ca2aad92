import { Resolver } from 'node:dns/promises';
import { problem } from '../../kernel/problem.js';

/** For each of two tries at each server. */
const WAIT_MS = 2_000;
const TRIES = 2;
/** NXDOMAIN and NODATA: an answer, and it says that there is nothing. */
const NOTHING = ['ENOTFOUND', 'ENODATA'];

/**
 * The TXT records of a name. The strings of one record are put together, as RFC 7208, 3.3 does it. An answer is one
 * message of DNS, which bounds it to 64 KiB; what a CNAME in it leads to is the server's affair.
 * @param servers `ip` or `ip:port`; empty: the system's.
 * @param waitMs for each try.
 * @throws Problem `external_service_failed` when no server gives an answer (SERVFAIL, REFUSED, none in time): whether
 * there are records is unknown then.
 */
export async function txtRecordsOf(name: string, servers: readonly string[], waitMs = WAIT_MS): Promise<string[]> {
  // One for each question: it has a port of its own then, and an answer is that much harder to forge (RFC 5452, 9.2).
  const resolver = new Resolver({ timeout: waitMs, maxTimeout: waitMs, tries: TRIES });
  if (servers.length > 0) resolver.setServers(servers);
  try {
    const records = await resolver.resolveTxt(name);
    return records.map((strings) => strings.join(''));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && NOTHING.includes(code)) return [];
    throw problem('external_service_failed', { detail: `DNS gives no answer about ${name}; try again`, cause: error });
  }
}
