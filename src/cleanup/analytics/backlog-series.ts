/** What was recorded of a type on a day. */
export interface BacklogPoint {
  /** `YYYY-MM-DD`, in UTC. */
  day: string;
  expired: number;
}

/** A figure for each day without gaps. */
export interface BacklogSeries {
  /** The first day; null where there is none. */
  from: string | null;
  values: number[];
  /** How many of them were recorded; the others are as on the day before. */
  recorded: number;
}

const DAY_MS = 24 * 3_600_000;

/**
 * Days that nobody was up for are taken to be as the ones before them.
 * @param points the oldest first.
 * @param today the series reaches to the day before it.
 */
export function toBacklogSeries(points: readonly BacklogPoint[], today: string): BacklogSeries {
  const first = points[0];
  if (!first) return { from: null, values: [], recorded: 0 };
  const known = new Map(points.map(({ day, expired }) => [day, expired]));
  const values: number[] = [];
  for (let day = first.day; day < today; day = dayAfter(day, 1)) values.push(known.get(day) ?? values.at(-1)!);
  return { from: first.day, values, recorded: points.length };
}

/** @param days how many later. */
export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}
