import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forecast, LEAST_DAYS } from './forecast.js';

const WEEKLY = [900, 800, 820, 790, 850, 200, 150];
const weeks = (count: number, of: (day: number) => number): number[] =>
  Array.from({ length: 7 * count }, (_, d) => of(d));

describe('C11 forecast', () => {
  it('sees the weekday and the growth, and beats the naive forecast by it', () => {
    const { method, errors, values } = forecast(
      weeks(8, (day) => WEEKLY[day % 7]! + 5 * day),
      7,
    );
    expect(method).toBe('holt-winters');
    expect(errors['holt-winters'].mase).toBeLessThan(0.2);
    expect(errors.naive.mase).toBeGreaterThan(1);
    for (const [ahead, value] of values.entries()) {
      const really = WEEKLY[ahead]! + 5 * (56 + ahead);
      expect(Math.abs(value - really)).toBeLessThan(0.1 * really);
    }
  });

  it('takes the naive forecast where it was nearer', () => {
    // It fell to another level just before the days that are held out, and stays there.
    const { method, errors, values } = forecast(
      weeks(5, (day) => (day < 27 ? 1_000 + 40 * day : 300)),
      3,
    );
    expect(method).toBe('naive');
    expect(errors.naive.mae).toBeLessThan(errors['holt-winters'].mae);
    expect(values).toEqual([300, 300, 300]);
  });

  it('of what never changes is that, and says that there is nothing to compare with', () => {
    expect(forecast(Array<number>(LEAST_DAYS).fill(42), 2)).toEqual({
      method: 'naive',
      errors: { 'holt-winters': { mae: 0, mase: null }, naive: { mae: 0, mase: null } },
      values: [42, 42],
    });
  });

  it('is a count, whatever the days were like, and names the method that was nearer', () => {
    const counts = fc.array(fc.nat(1_000_000_000), { minLength: LEAST_DAYS, maxLength: 120 });
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 30 }), (series, days) => {
        const { method, errors, values } = forecast(series, days);
        expect(values).toHaveLength(days);
        expect(values.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
        expect(errors[method].mae).toBe(Math.min(errors.naive.mae, errors['holt-winters'].mae));
      }),
    );
  });
});
