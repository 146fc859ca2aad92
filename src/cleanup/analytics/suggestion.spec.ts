import { expect, it } from 'vitest';
import { suggest } from './suggestion.js';

const load = { hourly: true, removedPerDay: 1_000, peak: 500, rowsPerSecond: 100_000, errorRate: 0 };

it('C11 what is done within a minute is done once a day, in batches of 100 ms', () => {
  expect(suggest(load)).toEqual({
    schedule: '0 2 * * *',
    batchSize: 10_000,
    reason: 'Up to 1,000 rows in a day at the 100,000 rows/s of the last 7 days take 1 s: one run is enough',
  });
});

it('C11 more is divided into runs of a minute at most, down to one an hour', () => {
  const slow = { ...load, rowsPerSecond: 1_000 };
  expect(suggest({ ...slow, peak: 200_000 })).toMatchObject({ schedule: '0 */6 * * *', batchSize: 1_000 });
  expect(suggest({ ...slow, peak: 60_000_000 })).toMatchObject({ schedule: '15 * * * *' });
});

it('C11 batches that fail are halved, and the reason says so', () => {
  const { batchSize, reason } = suggest({ ...load, peak: null, errorRate: 0.2 });
  expect(batchSize).toBe(5_000);
  expect(reason).toMatch(/no forecast yet.*20 % of batches failed/);
});

it('C11 without a measure nothing is changed', () => {
  expect(suggest({ ...load, rowsPerSecond: null })).toMatchObject({ schedule: '15 * * * *', batchSize: 1_000 });
});
