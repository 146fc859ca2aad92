const ISO_8601 = /^(\d{4})-(\d\d)-(\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * Milliseconds since 1970 of an ISO 8601 instant, NaN if it is none. A time without an offset is none: it would mean
 * another instant on a machine in another zone. A date alone is its midnight in UTC. Unlike the kernel's `readInstant`
 * it goes back beyond 1970, where people are born.
 */
export function instant(text: string): number {
  const parts = ISO_8601.exec(text);
  if (parts === null) return NaN;
  // Date would take 30 February for 2 March.
  const day = new Date(0).setUTCFullYear(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]));
  return new Date(day).getUTCDate() === Number(parts[3]) ? Date.parse(text) : NaN;
}
