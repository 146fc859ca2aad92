import type { QuotaPolicy } from './limits.js';

/** Where one subject stands in one policy's window. */
export interface Standing {
  policy: QuotaPolicy;
  /** Requests in this window, with this one. */
  hits: number;
  /** Whole seconds until the window ends. */
  resetSeconds: number;
}

export const remainingOf = ({ policy, hits }: Standing): number => Math.max(0, policy.requests - hits);
export const isExceeded = ({ policy, hits }: Standing): boolean => hits > policy.requests;

/**
 * The headers that tell a client where it stands: `RateLimit` and `RateLimit-Policy`, lists of structured fields with
 * each policy by its name (draft-ietf-httpapi-ratelimit-headers-10: `q` requests in `w` seconds, `r` left, `t` seconds
 * until more come), the older `X-RateLimit-*` of the policy that is closest to its end, and `Retry-After` (RFC 9110,
 * 10.2.3) once one is exceeded.
 */
export function limitHeaders(standings: readonly Standing[]): Record<string, string> {
  const [first] = standings;
  if (!first) return {};
  let closest = first;
  let retryAfter = 0;
  for (const standing of standings) {
    const difference = remainingOf(standing) - remainingOf(closest);
    if (difference < 0 || (difference === 0 && standing.resetSeconds > closest.resetSeconds)) closest = standing;
    if (isExceeded(standing)) retryAfter = Math.max(retryAfter, standing.resetSeconds);
  }
  return {
    'ratelimit-policy': standings
      .map(({ policy: { name, requests, seconds } }) => `"${name}";q=${requests};w=${seconds}`)
      .join(', '),
    ratelimit: standings
      .map((standing) => `"${standing.policy.name}";r=${remainingOf(standing)};t=${standing.resetSeconds}`)
      .join(', '),
    'x-ratelimit-limit': String(closest.policy.requests),
    'x-ratelimit-remaining': String(remainingOf(closest)),
    'x-ratelimit-reset': String(closest.resetSeconds),
    ...(retryAfter > 0 && { 'retry-after': String(retryAfter) }),
  };
}
