import { bars, type BarChart, type LineChart, lines } from './charts.js';
import { escapeHtml } from './html.js';
import { plain } from './plain.js';

/** A mail, ready to be sent. */
export interface Mail {
  subject: string;
  text: string;
  html: string;
  /** The addresses that it leads to. */
  links: string[];
}

/** A link on a line of its own. */
export interface MailLink {
  label: string;
  url: string;
}

/** Rows under their headings; in the text each is a line. */
export interface MailTable {
  columns: string[];
  rows: string[][];
}

/** Drawn in HTML; in the text it is what it is described as. */
export type MailChart = { bars: BarChart } | { lines: LineChart };

/** A part of a mail: a paragraph, or what is more than that. */
export type MailBlock = string | MailLink | MailTable | MailChart;

/** What a mail consists of; text and HTML are made from the same parts, so that they cannot disagree. */
export interface MailParts {
  /** Never holds what a person chose. */
  subject: string;
  /** The person's name, as they gave it; null on a page, which has a heading in place of the greeting. */
  name: string | null;
  /** What a person chose in it went through `plain`. */
  body: MailBlock[];
}

/** Makes a mail from its parts. Everything is escaped here, and nowhere else. */
export function compose({ subject, name, body }: MailParts): Mail {
  const blocks = [...(name === null ? [] : [greet(name)]), ...body];
  return {
    subject,
    text: `${blocks.map(toText).join('\n\n')}\n`,
    html: page(subject, [...(name === null ? [heading(subject)] : []), ...blocks.map(toHtml)].join('\n')),
    links: body.flatMap((block) => (typeof block !== 'string' && 'url' in block ? [block.url] : [])),
  };
}

const greet = (name: string): string => (plain(name) === '' ? 'Hello,' : `Hello ${plain(name)},`);

function toText(block: MailBlock): string {
  if (typeof block === 'string') return block;
  if ('url' in block) return `${block.label}:\n${block.url}`;
  if ('columns' in block)
    return block.rows.map((row) => row.map((cell, n) => `${block.columns[n]}: ${cell}`).join(', ')).join('\n');
  const { title, description } = 'bars' in block ? block.bars : block.lines;
  return `${title}: ${description}`;
}

function toHtml(block: MailBlock): string {
  if (typeof block === 'string') return paragraph(block);
  if ('url' in block) return button(block);
  if ('columns' in block) return table(block);
  return `<div style="margin:0 0 24px">${'bars' in block ? bars(block.bars) : lines(block.lines)}</div>`;
}

const heading = (text: string): string => `<h1 style="margin:0 0 16px;font-size:22px">${escapeHtml(text)}</h1>`;

const paragraph = (text: string): string => `<p style="margin:0 0 16px">${escapeHtml(text)}</p>`;

const button = ({ label, url }: MailLink): string => {
  const href = escapeHtml(url);
  return `<p style="margin:24px 0"><a href="${href}" style="background:#1f4fd8;color:#fff;padding:12px 20px;border-radius:6px;text-decoration:none;display:inline-block">${escapeHtml(label)}</a></p>
<p style="margin:0 0 16px;font-size:13px;color:#555;word-break:break-all">${href}</p>`;
};

const table = ({ columns, rows }: MailTable): string => {
  const cells = (tag: 'th' | 'td', row: string[]): string =>
    row
      .map((cell, n) => {
        const style = `padding:4px 8px 4px 0;border-bottom:1px solid #ddd;text-align:${n === 0 ? 'left' : 'right'}`;
        return `<${tag} style="${style}">${escapeHtml(cell)}</${tag}>`;
      })
      .join('');
  return `<table style="margin:0 0 24px;border-collapse:collapse;width:100%;font-size:13px"><thead><tr>${cells('th', columns)}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n')}</tbody></table>`;
};

// No image, no style sheet, nothing from outside: opening the mail tells nobody.
const page = (title: string, content: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title></head>
<body style="margin:0;padding:24px;background:#fff;color:#1a1a1a;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:560px;margin:0 auto">
${content}
</div>
</body>
</html>
`;
