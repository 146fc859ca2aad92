import { Inject, Injectable, Logger } from '@nestjs/common';
import { ThrottlerStorage } from '@nestjs/throttler';
import { Env } from '../../config/env.js';
import { problem } from '../kernel/problem.js';
import { isExceeded, limitHeaders, type Standing } from './limit-headers.js';
import { type LimitSubject, mailboxOf, networkOf } from './limit-subject.js';
import { countsKeys, type LimitedBy, type LimitKind, limits, quotaPolicy, type QuotaPolicy } from './limits.js';

/** By account, or by address where nobody is signed in. */
export const BY_DEFAULT: readonly LimitedBy[] = ['account'];

// pg-pool's words when no connection came, or none was given back, within the pool's time-out.
const WAITED_IN_VAIN = /timeout exceeded when trying to connect|due to connection timeout|Query read timeout/;

/** Rate limits, for the guard and for places that no guard reaches. */
@Injectable()
export class LimitsService {
  private readonly log = new Logger('limits');
  private failing = false;

  constructor(
    private readonly env: Env,
    @Inject(ThrottlerStorage) private readonly storage: ThrottlerStorage,
  ) {}

  /** false with RATE_LIMITS=off, which only exists outside production. */
  get enabled(): boolean {
    return this.env.rateLimits;
  }

  /**
   * Counts one request. Not within a transaction: it takes a second connection of the pool.
   * @param by what the kind counts by; the table says what it can.
   * @returns the headers that the answer has to carry.
   * @throws Problem `rate_limit_exceeded` with the same headers and Retry-After; `service_unavailable` when nothing can
   * be counted and the kind does not let that pass.
   */
  async hit(
    kind: LimitKind,
    subject: LimitSubject,
    by: readonly LimitedBy[] = BY_DEFAULT,
  ): Promise<Record<string, string>> {
    if (!this.enabled) return {};
    // All in one turn of the event loop, so that the storage counts them in one statement.
    const counted = [...keysOf(kind, subject, by)].map(([key, policy]) => this.count(key, policy));
    let standings: Standing[];
    try {
      standings = await Promise.all(counted);
    } catch (error) {
      return this.withoutCount(kind, error);
    }
    if (this.failing) {
      this.failing = false;
      this.log.log('counting again');
    }
    const headers = limitHeaders(standings);
    if (standings.some(isExceeded)) throw problem('rate_limit_exceeded', { headers });
    return headers;
  }

  private async count(key: string, policy: QuotaPolicy): Promise<Standing> {
    const ttl = policy.seconds * 1_000;
    const { totalHits, timeToExpire } = await this.storage.increment(key, ttl, policy.requests, ttl, policy.name);
    return { policy, hits: totalHits, resetSeconds: timeToExpire };
  }

  /** A request that has already waited for a connection in vain is refused: its route would wait as long again. */
  private withoutCount(kind: LimitKind, error: unknown): Record<string, string> {
    if (!this.failing) {
      this.failing = true;
      this.log.warn({ err: error }, 'nothing can be counted');
    }
    if (limits[kind].whenDown === 'pass' && !(error instanceof Error && WAITED_IN_VAIN.test(error.message))) return {};
    throw problem('service_unavailable', { headers: { 'retry-after': '1' }, cause: error });
  }
}

/**
 * What to count, in clear. Nobody signed in: the address stands for the account. No mailbox: no mail to limit. An API key
 * is an account of its own.
 */
function keysOf(kind: LimitKind, subject: LimitSubject, by: readonly LimitedBy[]): Map<string, QuotaPolicy> {
  const keys = new Map<string, QuotaPolicy>();
  if (subject.key && countsKeys(kind)) {
    const policy = quotaPolicy(kind, 'key');
    return keys.set(`${policy.name} ${subject.key}`, policy);
  }
  for (const wanted of by) {
    const used = wanted === 'account' && !subject.account ? 'ip' : wanted;
    const value =
      used === 'account' ? subject.account : used === 'ip' ? networkOf(subject.ip) : mailboxOf(subject.recipient);
    if (!value) continue;
    const policy = quotaPolicy(kind, used);
    keys.set(`${policy.name} ${policy.perRoute ? `${subject.route ?? ''} ` : ''}${value}`, policy);
  }
  return keys;
}
