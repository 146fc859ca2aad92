import { shown } from '../../kernel/numbers.js';
import { escapeHtml } from './html.js';

/** What every chart has: a reader who does not see it is told its title and description. */
interface Described {
  /** Of the document's charts this one; begins with a letter. */
  id: string;
  title: string;
  description: string;
}

/** One bar for each label; of several series the bars stand on each other. */
export interface BarChart extends Described {
  labels: string[];
  series: { name: string; values: number[] }[];
}

/** One line for each series; null where nothing is known. */
export interface LineChart extends Described {
  labels: string[];
  series: { name: string; values: (number | null)[] }[];
}

/** Of the drawing, which is as wide as the text: on a narrow screen its letters are still read. */
const WIDTH = 400;
const HEIGHT = 180;
const LEFT = 48;
const RIGHT = WIDTH - 10;
const TOP = 26;
const BOTTOM = HEIGHT - 22;
const LEGEND = 18;
const MOST_LABELS = 8;
/** Told apart also by those who see few colours: M. Okabe and K. Ito, "Color Universal Design", 2008. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#999999'];
/** And in print. */
const DASHES = ['none', '6 3', '2 2', '8 2 2 2', '4 4', '1 4'];
const GREY = '#555';

/** Bars, with a legend where there are several series, as SVG that runs nothing and loads nothing. */
export function bars({ labels, series, ...described }: BarChart): string {
  const heights = labels.map(() => 0);
  const { top, y } = scale(labels.map((_, n) => series.reduce((sum, { values }) => sum + values[n]!, 0)));
  const step = (RIGHT - LEFT) / Math.max(1, labels.length);
  const several = series.length > 1;
  const shapes = series.flatMap(({ name, values }, s) =>
    values.flatMap((value, n) => {
      if (value === 0) return [];
      const bottom = y(heights[n]!);
      heights[n]! += value;
      const at = `x="${round(LEFT + (n + 0.1) * step)}" y="${y(heights[n]!)}" width="${round(step * 0.8)}"`;
      const told = escapeHtml(`${labels[n]}: ${several ? `${name} ` : ''}${shown(value)}`);
      const height = round(bottom - y(heights[n]!));
      return [`<rect ${at} height="${height}" fill="${COLOURS[s]}"><title>${told}</title></rect>`];
    }),
  );
  const mark = (s: number, x: number, at: number): string =>
    `<rect x="${x + 8}" y="${at - 6}" width="12" height="12" fill="${COLOURS[s]}"/>`;
  return svg(described, [axes(top), ...shapes, ...ticks(labels, step)], several ? legend(series, mark) : []);
}

/** Lines with their legend as SVG that runs nothing and loads nothing. At most six series can be told apart. */
export function lines({ labels, series, ...described }: LineChart): string {
  const { top, y } = scale(series.flatMap(({ values }) => values.filter((value) => value !== null)));
  const step = (RIGHT - LEFT) / Math.max(1, labels.length);
  const x = (n: number): number => round(LEFT + (n + 0.5) * step);
  const stroke = (s: number): string => `stroke="${COLOURS[s]}" stroke-width="2" stroke-dasharray="${DASHES[s]}"`;
  const shapes = series.flatMap(({ values }, s) =>
    parts(values).map((part) =>
      part.length === 1
        ? `<circle cx="${x(part[0]!.n)}" cy="${y(part[0]!.value)}" r="2.5" fill="${COLOURS[s]}"/>`
        : `<polyline points="${part.map(({ n, value }) => `${x(n)},${y(value)}`).join(' ')}" fill="none" ${stroke(s)}/>`,
    ),
  );
  const mark = (s: number, left: number, at: number): string =>
    `<line x1="${left}" y1="${at}" x2="${left + 28}" y2="${at}" ${stroke(s)}/>`;
  return svg(described, [axes(top), ...shapes, ...ticks(labels, step)], legend(series, mark));
}

/** What each series is called, each on a line below the chart. */
function legend(series: readonly { name: string }[], mark: (s: number, x: number, y: number) => string): string[] {
  return series.map(({ name }, s) => {
    const y = HEIGHT + LEGEND * (s + 0.5);
    return mark(s, LEFT, y) + text(LEFT + 36, y + 4, name, 'start');
  });
}

/** Runs of known values: a line does not cross what is not known. */
function parts(values: (number | null)[]): { n: number; value: number }[][] {
  const found: { n: number; value: number }[][] = [];
  let known = false;
  for (const [n, value] of values.entries()) {
    if (value !== null && !known) found.push([]);
    if (value !== null) found.at(-1)!.push({ n, value });
    known = value !== null;
  }
  return found;
}

/** From 0 to the next 1, 2 or 5 times a power of ten, so that the axis has a number that is read at a glance. */
function scale(values: number[]): { top: number; y: (value: number) => number } {
  const most = Math.max(1, ...values);
  const power = 10 ** Math.floor(Math.log10(most));
  const top = [1, 2, 5, 10].find((factor) => factor * power >= most)! * power;
  return { top, y: (value) => round(BOTTOM - ((BOTTOM - TOP) * value) / top) };
}

function axes(top: number): string {
  const at = (share: number): string => {
    const y = round(BOTTOM - share * (BOTTOM - TOP));
    return `<line x1="${LEFT}" y1="${y}" x2="${RIGHT}" y2="${y}" stroke="#ccc"/>${text(LEFT - 6, y + 4, short(share * top), 'end')}`;
  };
  return [0, 0.5, 1].map(at).join('');
}

function ticks(labels: string[], step: number): string[] {
  const every = Math.ceil(labels.length / MOST_LABELS);
  return labels.flatMap((label, n) =>
    n % every === 0 ? [text(round(LEFT + (n + 0.5) * step), HEIGHT - 6, label, 'middle')] : [],
  );
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="12" fill="${GREY}">${escapeHtml(content)}</text>`;
}

// SVG 2, 5.8: title and desc are what a screen reader says of it.
function svg({ id, title, description }: Described, content: string[], legends: string[]): string {
  const height = HEIGHT + (legends.length > 0 ? LEGEND * (legends.length + 0.5) : 0);
  const [titleId, descriptionId] = [`${id}-title`, `${id}-description`].map(escapeHtml);
  return `<svg role="img" aria-labelledby="${titleId} ${descriptionId}" viewBox="0 0 ${WIDTH} ${height}" width="100%" font-family="system-ui,sans-serif">
<title id="${titleId}">${escapeHtml(title)}</title><desc id="${descriptionId}">${escapeHtml(description)}</desc>
<text x="0" y="13" font-size="13" font-weight="600" fill="#1a1a1a">${escapeHtml(title)}</text>
${[...content, ...legends].join('\n')}
</svg>`;
}

/** A number at an axis, where there is no place for more: `2,500`, `500K`, `1.5M`. */
const short = (value: number): string =>
  value < 10_000 ? shown(value) : value.toLocaleString('en-US', { notation: 'compact' });
const round = (value: number): number => Math.round(value * 10) / 10;
