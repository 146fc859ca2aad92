import { describe, expect, it } from 'vitest';
import { nextBatch, TARGET_MS } from './batch-size.js';

describe('the size of the next batch', () => {
  it('stays at the most that is allowed while batches are fast', () => {
    expect(nextBatch(1_000, 5, 1_000)).toEqual({ size: 1_000, pauseMs: 0 });
    expect(nextBatch(300, 5, 1_000)).toEqual({ size: 600, pauseMs: 0 });
  });

  it('shrinks towards the target, by half at most, and lets others have as long as a slow one took', () => {
    expect(nextBatch(1_000, TARGET_MS * 1.25, 1_000)).toEqual({ size: 800, pauseMs: 125 });
    expect(nextBatch(1_000, TARGET_MS * 9, 1_000)).toEqual({ size: 500, pauseMs: 900 });
    expect(nextBatch(1_000, 60_000, 1_000)).toEqual({ size: 500, pauseMs: 1_000 });
  });

  it('is never below 50, unless fewer are allowed', () => {
    expect(nextBatch(60, 60_000, 1_000).size).toBe(50);
    expect(nextBatch(1, 60_000, 1).size).toBe(1);
    expect(nextBatch(7, 0, 7).size).toBe(7);
  });
});
