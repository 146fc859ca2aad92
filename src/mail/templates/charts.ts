import { escapeHtml } from './html.js';

/** What every chart has: a reader who does not see it is told its title and description. */
interface Described {
  /** Of the document's charts this one; begins with a letter. */
  id: string;
  title: string;
  description: string;
}

/** One bar for each label. */
export interface BarChart extends Described {
  labels: string[];
  values: number[];
}

/** One line for each series; null where nothing is known. */
export interface LineChart extends Described {
  labels: string[];
  series: { name: string; values: (number | null)[] }[];
}

const WIDTH = 560;
const HEIGHT = 180;
const LEFT = 56;
const TOP = 26;
const BOTTOM = HEIGHT - 22;
const LEGEND = 18;
const MOST_LABELS = 8;
/** Told apart also by those who see few colours: M. Okabe and K. Ito, "Color Universal Design", 2008. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9'];
/** And in print. */
const DASHES = ['none', '6 3', '2 2', '8 2 2 2', '4 4'];
const GREY = '#555';

/** Bars as SVG that runs nothing and loads nothing. */
export function bars({ labels, values, ...described }: BarChart): string {
  const { top, y } = scale(values);
  const step = (WIDTH - LEFT) / Math.max(1, values.length);
  const shapes = values.map((value, n) => {
    const at = `x="${round(LEFT + n * step + step * 0.1)}" y="${y(value)}" width="${round(step * 0.8)}"`;
    const height = round(BOTTOM - y(value));
    return `<rect ${at} height="${height}" fill="${COLOURS[0]}"><title>${escapeHtml(`${labels[n]}: ${shown(value)}`)}</title></rect>`;
  });
  return svg(described, HEIGHT, [axes(top), ...shapes, ...ticks(labels, step)]);
}

/** Lines with their legend as SVG that runs nothing and loads nothing. At most five series can be told apart. */
export function lines({ labels, series, ...described }: LineChart): string {
  const { top, y } = scale(series.flatMap(({ values }) => values.filter((value) => value !== null)));
  const step = (WIDTH - LEFT) / Math.max(1, labels.length);
  const x = (n: number): number => round(LEFT + (n + 0.5) * step);
  const shapes = series.flatMap(({ name, values }, s) => {
    const colour = COLOURS[s % COLOURS.length]!;
    const stroke = `stroke="${colour}" stroke-width="2" stroke-dasharray="${DASHES[s % DASHES.length]}"`;
    const legendY = HEIGHT + LEGEND * (s + 0.5);
    return [
      ...parts(values).map((part) =>
        part.length === 1
          ? `<circle cx="${x(part[0]!.n)}" cy="${y(part[0]!.value)}" r="2.5" fill="${colour}"/>`
          : `<polyline points="${part.map(({ n, value }) => `${x(n)},${y(value)}`).join(' ')}" fill="none" ${stroke}/>`,
      ),
      `<line x1="${LEFT}" y1="${legendY}" x2="${LEFT + 28}" y2="${legendY}" ${stroke}/>`,
      text(LEFT + 36, legendY + 4, name, 'start'),
    ];
  });
  return svg(described, HEIGHT + LEGEND * (series.length + 0.5), [axes(top), ...shapes, ...ticks(labels, step)]);
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
  const line = (y: number): string => `<line x1="${LEFT}" y1="${y}" x2="${WIDTH}" y2="${y}" stroke="#ccc"/>`;
  return [
    line(TOP),
    line(BOTTOM),
    text(LEFT - 6, TOP + 4, shown(top), 'end'),
    text(LEFT - 6, BOTTOM + 4, '0', 'end'),
  ].join('');
}

function ticks(labels: string[], step: number): string[] {
  const every = Math.ceil(labels.length / MOST_LABELS);
  return labels.flatMap((label, n) =>
    n % every === 0 ? [text(round(LEFT + (n + 0.5) * step), HEIGHT - 6, label, 'middle')] : [],
  );
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="11" fill="${GREY}">${escapeHtml(content)}</text>`;
}

// SVG 2, 5.8: title and desc are what a screen reader says of it.
function svg({ id, title, description }: Described, height: number, content: string[]): string {
  const [titleId, descriptionId] = [`${id}-title`, `${id}-description`].map(escapeHtml);
  return `<svg role="img" aria-labelledby="${titleId} ${descriptionId}" viewBox="0 0 ${WIDTH} ${height}" width="100%" font-family="system-ui,sans-serif">
<title id="${titleId}">${escapeHtml(title)}</title><desc id="${descriptionId}">${escapeHtml(description)}</desc>
${text(0, 12, title, 'start')}
${content.join('\n')}
</svg>`;
}

/** A number for people: `1,234,567`. */
export const shown = (value: number): string => value.toLocaleString('en-US');
const round = (value: number): number => Math.round(value * 10) / 10;
