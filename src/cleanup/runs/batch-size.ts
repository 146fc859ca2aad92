/** A batch that takes longer is felt by others: they wait for the same disk and processors. */
export const TARGET_MS = 100;
const SMALLEST = 50;

/**
 * How many rows the next batch takes, and how long to wait before it. The database's load shows in how long a batch took:
 * it is at most halved or doubled towards the target, and after a slow one others get as long as it took.
 * @param size of the batch that took `tookMs`.
 * @param most rows that a batch may take.
 */
export function nextBatch(size: number, tookMs: number, most: number): { size: number; pauseMs: number } {
  const factor = Math.min(2, Math.max(0.5, TARGET_MS / Math.max(tookMs, 1)));
  return {
    size: Math.min(most, Math.max(Math.min(SMALLEST, most), Math.round(size * factor))),
    pauseMs: tookMs > TARGET_MS ? Math.min(tookMs, 1_000) : 0,
  };
}

/**
 * What a batch may hold at most, by how fast rows are removed: as many as go in {@link TARGET_MS}, from 1,000 to 10,000 in
 * whole thousands.
 * @param rowsPerSecond null: not known.
 */
export function fittingBatchSize(rowsPerSecond: number | null): number {
  const fits = Math.floor(((rowsPerSecond ?? 0) * TARGET_MS) / 1_000_000) * 1_000;
  return Math.min(10_000, Math.max(1_000, fits));
}
