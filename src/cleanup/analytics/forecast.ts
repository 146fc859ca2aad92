/** Two weeks to learn from, and one that is held out. */
export const LEAST_DAYS = 21;
export const HELD_OUT_DAYS = 7;
const WEEK = 7;
/** A trend fades, or every growth would be forecast for ever; the most that Hyndman and Athanasopoulos let it stay. */
const DAMPING = 0.98;
const ALPHAS = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8];
const BETAS = [0, 0.01, 0.05, 0.1, 0.2];
const GAMMAS = [0, 0.05, 0.1, 0.2, 0.4];

export const METHODS = ['holt-winters', 'naive'] as const;
export type Method = (typeof METHODS)[number];

/** How far a forecast of the days that were held out was off. */
export interface ForecastError {
  /** Mean absolute error, in rows. */
  mae: number;
  /**
   * The same, to what "tomorrow is like today" was off in the days before (Hyndman and Koehler 2006, "Another look at
   * measures of forecast accuracy"): below 1 is better than that. null where every one of those days was alike.
   */
  mase: number | null;
}

/** What the coming days will be like, and how far that can be believed. */
export interface Forecast {
  /** Which was nearer to the days that were held out; the naive one where they are equal. */
  method: Method;
  errors: Record<Method, ForecastError>;
  /** From the day after the last known one. */
  values: number[];
}

/**
 * Forecasts a daily figure. Two methods learn from all but the last 7 days and forecast these; the one that was nearer
 * learns from all days and is used.
 * @param series of at least 21 days without gaps, the oldest first.
 * @param days how many to forecast.
 */
export function forecast(series: readonly number[], days: number): Forecast {
  const learnt = series.slice(0, -HELD_OUT_DAYS);
  const heldOut = series.slice(-HELD_OUT_DAYS);
  const scale = mean(learnt.slice(1).map((value, at) => Math.abs(value - learnt[at]!)));
  const errorOf = (method: Method): ForecastError => {
    const guessed = BY[method](learnt, HELD_OUT_DAYS);
    const mae = mean(heldOut.map((value, at) => Math.abs(value - guessed[at]!)));
    return { mae, mase: scale > 0 ? mae / scale : null };
  };
  const errors = { 'holt-winters': errorOf('holt-winters'), naive: errorOf('naive') };
  const method = errors['holt-winters'].mae < errors.naive.mae ? 'holt-winters' : 'naive';
  return { method, errors, values: BY[method](series, days) };
}

const BY: Record<Method, (series: readonly number[], days: number) => number[]> = {
  naive: (series, days) => Array<number>(days).fill(series.at(-1)!),
  'holt-winters': holtWinters,
};

/**
 * Exponential smoothing of level, damped trend and weekday effect: Winters 1960, "Forecasting sales by exponentially
 * weighted moving averages", as ETS(A,Ad,A) in Hyndman and Athanasopoulos, "Forecasting: principles and practice", 8.5.
 * The weights are those of a grid that were off least, one day ahead.
 */
function holtWinters(series: readonly number[], days: number): number[] {
  let best: Smoothed | undefined;
  for (const alpha of ALPHAS)
    for (const beta of BETAS.filter((one) => one <= alpha))
      for (const gamma of GAMMAS.filter((one) => one <= 1 - alpha)) {
        const smoothed = smooth(series, alpha, beta, gamma);
        if (!best || smoothed.squares < best.squares) best = smoothed;
      }
  const { weekdays, trend } = best!;
  let { level } = best!;
  let damping = 1;
  return Array.from({ length: days }, (_, ahead) => {
    damping *= DAMPING;
    level += damping * trend;
    return Math.max(0, level + weekdays[(series.length + ahead) % WEEK]!);
  });
}

interface Smoothed {
  level: number;
  trend: number;
  weekdays: number[];
  /** What it was off, one day ahead, squared. */
  squares: number;
}

function smooth(series: readonly number[], alpha: number, beta: number, gamma: number): Smoothed {
  const middle = mean(series.slice(0, WEEK));
  let trend = (mean(series.slice(WEEK, 2 * WEEK)) - middle) / WEEK;
  const weekdays = series.slice(0, WEEK).map((value, day) => value - middle - (day - 3) * trend);
  let level = middle + 3 * trend;
  let squares = 0;
  for (let day = WEEK; day < series.length; day++) {
    const expected = level + DAMPING * trend;
    const off = series[day]! - expected - weekdays[day % WEEK]!;
    squares += off * off;
    level = expected + alpha * off;
    trend = DAMPING * trend + beta * off;
    weekdays[day % WEEK]! += gamma * off;
  }
  return { level, trend, weekdays, squares };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
