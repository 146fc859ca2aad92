import { expect, it } from 'vitest';
import { toBacklogSeries } from './backlog-series.js';

it('C11 a day that was not recorded is as the one before, up to yesterday', () => {
  const points = [
    { day: '2026-02-27', expired: 5 },
    { day: '2026-03-01', expired: 7 },
  ];
  expect(toBacklogSeries(points, '2026-03-04')).toEqual({ from: '2026-02-27', values: [5, 5, 7, 7, 7], recorded: 2 });
  expect(toBacklogSeries(points, '2026-03-02')).toEqual({ from: '2026-02-27', values: [5, 5, 7], recorded: 2 });
  expect(toBacklogSeries([], '2026-03-04')).toEqual({ from: null, values: [], recorded: 0 });
});
