import { counted, shown } from '../../kernel/numbers.js';
import { compose } from '../../mail/templates/compose.js';
import { shortDay } from '../../mail/templates/duration.js';
import { plain } from '../../mail/templates/plain.js';
import { TYPE_TITLES } from '../expiring-types.js';
import type { HistoryChartView, HistorySeriesView } from './history.view.js';

/** Types that can be told apart in a chart. */
const MOST_TYPES = 5;

/** A type, and what its series comes to over all days. */
interface TypeHistory extends HistorySeriesView {
  name: string;
  removed: number;
  /** In a second of the batches; null where nothing was removed. */
  speed: number | null;
  /** Share of the batches that failed, on the day on which it was highest. */
  worst: number;
}

/** The history of the cleanup as a page in HTML: what the data of the chart say, drawn and in numbers. */
export function toHistoryPage({ days, series }: HistoryChartView): string {
  const types = series.map(toTypeHistory).toSorted((a, b) => b.removed - a.removed);
  const removing = types.filter(({ removed }) => removed > 0);
  const [largest, others] = [removing.slice(0, MOST_TYPES), removing.slice(MOST_TYPES)];
  const failing = types.filter(({ worst }) => worst > 0).toSorted((a, b) => b.worst - a.worst);
  const byDay = addUp(types, days.length);
  const labels = days.map(shortDay);
  return compose({
    subject: days.length === 1 ? 'What the cleanup did today' : `What the cleanup did in ${days.length} days`,
    name: null,
    body: [
      `From ${days[0]} to ${days.at(-1)}, by the day (UTC) on which a run was asked for. Dry runs are left out.`,
      `${tellRemoved(byDay, labels)} ${tellFailed(failing[0])}`,
      {
        bars: {
          id: 'deleted',
          title: 'Rows removed by day',
          description: largest.map(({ name, removed }) => `${name} ${shown(removed)}`).join(', ') || 'none',
          labels,
          series: [
            ...largest.map(({ name, deleted }) => ({ name, values: deleted })),
            ...(others.length > 0 ? [{ name: 'all others', values: addUp(others, days.length) }] : []),
          ],
        },
      },
      {
        lines: {
          id: 'speed',
          title: 'Rows removed in a second of work',
          description: largest.map(({ name, speed }) => `${name} ${shown(speed!)}`).join(', ') || 'none',
          labels,
          series: largest.map(({ name, tokensPerSecond }) => ({ name, values: tokensPerSecond })),
        },
      },
      ...(failing.length > 0 ? [toErrorChart(failing.slice(0, MOST_TYPES), labels)] : []),
      {
        columns: ['Type', 'removed', 'share', 'rows/s', 'failed at most'],
        rows: types.map(({ name, removed, speed, worst }) => [
          name,
          shown(removed),
          removed > 0 ? percent(removed / sum(byDay)) : '–',
          speed === null ? '–' : shown(speed),
          percent(worst),
        ]),
      },
    ],
  }).html;
}

function toTypeHistory(series: HistorySeriesView): TypeHistory {
  const removed = sum(series.deleted);
  const seconds = sum(series.deleted.map((rows, n) => (rows > 0 ? rows / series.tokensPerSecond[n]! : 0)));
  return {
    ...series,
    name: plain(TYPE_TITLES[series.type] ?? series.type),
    removed,
    speed: removed > 0 ? Math.round(removed / seconds) : null,
    worst: Math.max(...series.errorRate.map((rate) => rate ?? 0)),
  };
}

function toErrorChart(failing: readonly TypeHistory[], labels: string[]) {
  return {
    lines: {
      id: 'errors',
      title: 'Batches that failed, per cent',
      description: failing.map(({ name, worst }) => `${name} up to ${percent(worst)}`).join(', '),
      labels,
      series: failing.map(({ name, errorRate }) => ({
        name,
        values: errorRate.map((rate) => (rate === null ? null : 100 * rate)),
      })),
    },
  };
}

function tellRemoved(byDay: readonly number[], labels: readonly string[]): string {
  const most = Math.max(...byDay);
  if (most === 0) return 'Nothing was removed.';
  const average = Math.round(sum(byDay) / byDay.length);
  return `${counted(sum(byDay), 'row')} removed, ${shown(average)} a day on average and ${shown(most)} at the most, on ${labels[byDay.indexOf(most)]}.`;
}

function tellFailed(worst: TypeHistory | undefined): string {
  return worst
    ? `At the worst, ${percent(worst.worst)} of the batches of ${worst.name} failed on a day.`
    : 'No batch failed.';
}

const addUp = (types: readonly TypeHistory[], days: number): number[] =>
  Array.from({ length: days }, (_, day) => sum(types.map(({ deleted }) => deleted[day]!)));

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** `12.5 %` on one line; of very little `< 0.1 %`, not nothing. */
const percent = (share: number): string =>
  share > 0 && share < 0.001 ? '<\u00a00.1\u00a0%' : `${shown(Math.round(1_000 * share) / 10)}\u00a0%`;
