const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];

/** Waits between tries, as Standard Webhooks gives them for the first 31 hours: eight tries in all. */
const WAITS_MS = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR];
/** A fifth is random, so that those who failed together do not come back together. */
const JITTER = 0.2;
/** What a receiver may ask for. */
const MOST_RETRY_AFTER_MS = 24 * HOUR;

/** Milliseconds until the next try after so many that failed; null when it was the last. */
export function waitAfter(tries: number, random: () => number = Math.random): number | null {
  const wait = WAITS_MS[tries - 1];
  return wait === undefined ? null : Math.round(wait * (1 + JITTER * random()));
}

/**
 * Reads `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.
 * @returns milliseconds from now, a day at most; 0 for what says nothing.
 */
export function readRetryAfter(header: string | undefined, now = Date.now()): number {
  if (header === undefined) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * SECOND : Date.parse(header) - now;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), MOST_RETRY_AFTER_MS);
}
