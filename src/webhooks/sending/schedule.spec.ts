import { describe, expect, it } from 'vitest';
import { readRetryAfter, waitAfter } from './schedule.js';

const HOUR = 3_600_000;

describe('P16 when a delivery is tried again', () => {
  it('after waits that grow, within 31 to 38 hours, eight times in all', () => {
    const total = (random: () => number): number => {
      let [sum, tries] = [0, 1];
      for (let wait = waitAfter(tries, random); wait !== null; wait = waitAfter((tries += 1), random)) sum += wait;
      expect(tries).toBe(8);
      return sum / HOUR;
    };
    expect(total(() => 0)).toBeCloseTo(31.58, 1);
    expect(total(() => 1)).toBeCloseTo(31.58 * 1.2, 1);
  });

  it.each([
    [undefined, 0],
    ['', 0],
    ['120', 120_000],
    ['0', 0],
    ['-5', 0],
    ['1e9', 0],
    ['soon', 0],
    ['999999999999', 24 * HOUR],
    ['Sat, 28 Nov 2026 12:00:30 GMT', 30_000],
    ['Sat, 28 Nov 2026 11:00:00 GMT', 0],
    ['Sat, 28 Nov 2099 11:00:00 GMT', 24 * HOUR],
  ])('Retry-After: %s is %d ms', (header, ms) => {
    expect(readRetryAfter(header, Date.UTC(2026, 10, 28, 12))).toBe(ms);
  });
});
