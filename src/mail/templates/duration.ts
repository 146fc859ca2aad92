/** A duration for people: `60 minutes`, `24 hours`, `7 days`. */
export function duration(minutes: number): string {
  if (minutes >= 2 * 24 * 60 && minutes % (24 * 60) === 0) return `${minutes / (24 * 60)} days`;
  if (minutes >= 2 * 60 && minutes % 60 === 0) return `${minutes / 60} hours`;
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}

/** A day for people: `Nov 22`. @param at ISO 8601. */
export const shortDay = (at: string): string =>
  new Date(at).toLocaleDateString('en-US', { month: 'short', day: 'numeric', timeZone: 'UTC' });

/** A moment for people: `2026-11-21 04:58 UTC`. @param at ISO 8601. */
export function moment(at: string): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
