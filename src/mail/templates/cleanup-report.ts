import type { Links } from '../links.js';
import { shown } from './charts.js';
import { compose, type Mail } from './compose.js';
import { moment } from './duration.js';
import { plain } from './plain.js';

/** Lines that can be told apart. */
const MOST_LINES = 5;
const SUBJECTS = {
  daily: 'The cleanup of the last day',
  weekly: 'The cleanup of the last week',
  monthly: 'The cleanup of the last month',
};

/** What a report of the cleanup says. Times in ISO 8601. */
export interface CleanupFigures {
  runs: number;
  failedRuns: number;
  lateRuns: number;
  deleted: number;
  /** In the period before, of the same length. */
  deletedBefore: number;
  rowsPerSecond: number;
  /** By hour in a daily report, else by day. */
  series: { at: string; deleted: number }[];
  types: { type: string; deleted: number; errors: number; total: number; expired: number }[];
  /** What had expired and was still there, at the times of the series; null where nobody looked. */
  backlog: { type: string; expired: (number | null)[] }[];
  failures: { type: string; at: string; message: string }[];
}

/** A report as a mail to a platform admin, and as the page that is shown of it. @param data `name` is null on the page. */
export function cleanupReport(
  data: {
    name: string | null;
    reportType: keyof typeof SUBJECTS;
    from: string;
    until: string;
    figures: CleanupFigures;
  },
  links: Links,
): Mail {
  const { reportType, figures } = data;
  const labels = figures.series.map(({ at }) => (reportType === 'daily' ? at.slice(11, 16) : shortDay(at)));
  const most = figures.series.reduce((best, one) => (one.deleted > best.deleted ? one : best), { at: '', deleted: 0 });
  const backlog = figures.backlog
    .map((line) => ({ ...line, most: Math.max(0, ...line.expired.map((value) => value ?? 0)) }))
    .filter((line) => line.most > 0)
    .toSorted((a, b) => b.most - a.most)
    .slice(0, MOST_LINES);
  return compose({
    subject: SUBJECTS[reportType],
    name: data.name,
    body: [
      `From ${moment(data.from)} to ${moment(data.until)}.`,
      `${counted(figures.deleted, 'row')} removed, ${compared(figures)}, in ${counted(figures.runs, 'run')}: ${shown(figures.rowsPerSecond)} rows a second while it worked.`,
      figures.failedRuns + figures.lateRuns === 0
        ? 'Every run was in time, and none failed.'
        : `${counted(figures.failedRuns, 'run')} failed, ${counted(figures.lateRuns, 'run')} came late.`,
      {
        bars: {
          id: 'deleted',
          title: `Rows removed by ${reportType === 'daily' ? 'hour' : 'day'}`,
          description: most.at === '' ? 'none' : `${shown(most.deleted)} at the most, from ${moment(most.at)} on`,
          labels,
          values: figures.series.map(({ deleted }) => deleted),
        },
      },
      {
        lines: {
          id: 'backlog',
          title: 'Expired and still there',
          description:
            backlog.length === 0
              ? 'nothing, whenever it was looked at'
              : backlog.map((line) => `${plain(line.type)} up to ${shown(line.most)}`).join(', '),
          labels,
          series: backlog.map(({ type, expired }) => ({ name: plain(type), values: expired })),
        },
      },
      {
        columns: ['Type', 'removed', 'errors', 'expired now', 'in all'],
        rows: figures.types.map(({ type, ...row }) => [
          plain(type),
          ...[row.deleted, row.errors, row.expired, row.total].map(shown),
        ]),
      },
      ...figures.failures.map(
        ({ type, at, message }) => `• ${plain(type)} was given up on ${moment(at)}: ${plain(message)}`,
      ),
      ...(data.name === null ? [] : [{ label: 'Sign in', url: links.app }]),
    ],
  });
}

const counted = (number: number, noun: string): string => `${shown(number)} ${noun}${number === 1 ? '' : 's'}`;

/** `Nov 22`. */
const shortDay = (at: string): string =>
  new Date(at).toLocaleDateString('en-US', { month: 'short', day: 'numeric', timeZone: 'UTC' });

function compared({ deleted, deletedBefore }: CleanupFigures): string {
  if (deletedBefore === 0) return 'after none in the period before';
  const percent = Math.round((100 * (deleted - deletedBefore)) / deletedBefore);
  return `${shown(Math.abs(percent))} % ${percent < 0 ? 'fewer' : 'more'} than in the period before`;
}
