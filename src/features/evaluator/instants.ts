const ISO_8601 = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * Milliseconds since 1970 of an ISO 8601 instant, NaN if it is none. A time without an offset is none: it would mean
 * another instant on a machine in another zone. A date alone is its midnight in UTC.
 */
export function instant(text: string): number {
  return ISO_8601.test(text) ? Date.parse(text) : NaN;
}
