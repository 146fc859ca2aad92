import { describe, expect, it } from 'vitest';
import { type Backlog, recommend } from './recommendation.js';

const now = new Date('2026-11-28T12:00:00Z');
const backlog = (facts: Partial<Backlog> = {}): Backlog => ({
  expired: 0,
  oldestExpiredAt: null,
  now,
  deletedPerDay: 0,
  rowsPerSecond: null,
  ...facts,
});

describe('C3 the recommendation', () => {
  it('is to do nothing while what has expired leaves by itself', () => {
    expect(recommend(backlog())).toMatchObject({ action: 'none', reason: 'Nothing has expired', batchSize: 1_000 });
    const young = { expired: 7, oldestExpiredAt: new Date('2026-11-28T02:00:00Z') };
    expect(recommend(backlog(young))).toMatchObject({ action: 'none', schedule: '0 2 * * *' });
  });

  it('is a run where the last daily one should have taken it', () => {
    const old = { expired: 7, oldestExpiredAt: new Date('2026-11-27T02:00:00Z') };
    expect(recommend(backlog(old))).toMatchObject({ action: 'run_now', reason: expect.stringContaining('7') });
  });

  it('is every hour where much expires', () => {
    expect(recommend(backlog({ deletedPerDay: 600_000 }))).toMatchObject({
      action: 'run_more_often',
      schedule: '15 * * * *',
    });
  });

  it('says its numbers as the rest of a report does', () => {
    const old = { expired: 3_412, oldestExpiredAt: new Date('2026-11-27T02:00:00Z') };
    expect(recommend(backlog(old)).reason).toContain('of 3,412 expired rows');
    expect(recommend(backlog({ expired: 3_412 })).reason).toContain('3,412 expired rows leave');
    expect(recommend(backlog({ deletedPerDay: 600_000.4 })).reason).toContain('600,000 rows expire a day');
  });

  it.each([
    [5_000, 1_000],
    [45_000, 4_000],
    [900_000, 10_000],
  ])('at %d rows/s, batches of %d', (rowsPerSecond, batchSize) => {
    expect(recommend(backlog({ rowsPerSecond })).batchSize).toBe(batchSize);
  });
});
