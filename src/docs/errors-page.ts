import { errors } from '../kernel/errors.js';
import { families, familyOf } from '../kernel/error-families.js';
import { escapeHtml } from '../mail/templates/html.js';

const INTRODUCTION =
  'Every error is `application/problem+json` (RFC 9457): `{type, title, status, detail, code, requestId, errors?}`. ' +
  'Act on `code`, which is stable; `title` and `detail` are for people. `type` leads to the code on this page. ' +
  '`requestId` also stands in the header `X-Request-Id`; name it when you ask for help.';

interface Section {
  title: string;
  about: string;
  rows: { code: string; status: number; title: string }[];
}

function sections(): Section[] {
  const rows = Object.entries(errors).map(([code, { status, title }]) => ({ code, status, title }));
  return families.map((family) => ({
    title: family.title,
    about: family.about,
    rows: rows.filter(({ status }) => familyOf(status) === family).toSorted((a, b) => a.status - b.status),
  }));
}

/** The registry of errors as `docs/errors.md`. */
export function errorsMarkdown(): string {
  const parts = sections().map(
    ({ title, about, rows }) =>
      `## ${title}\n\n${about}\n\n| code | status | meaning |\n|---|---|---|\n` +
      rows.map((row) => `| <a id="${row.code}"></a>\`${row.code}\` | ${row.status} | ${row.title} |`).join('\n'),
  );
  return `<!-- Generated from src/kernel/errors.ts by "npm run docs:errors". -->\n\n# Errors\n\n${INTRODUCTION}\n\n${parts.join('\n\n')}\n`;
}

/** The same as a page, served where the `type` of an error leads. */
export function errorsHtml(): string {
  const parts = sections().map(
    ({ title, about, rows }) =>
      `<h2>${toHtml(title)}</h2><p>${toHtml(about)}</p><table><tr><th>code</th><th>status</th><th>meaning</th></tr>` +
      rows
        .map(
          (row) =>
            `<tr id="${row.code}"><td><code>${row.code}</code></td><td>${row.status}</td><td>${toHtml(row.title)}</td></tr>`,
        )
        .join('') +
      '</table>',
  );
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">' +
    `<title>Tenon: errors</title><style>${STYLE}</style></head><body><h1>Errors</h1><p>${toHtml(INTRODUCTION)}</p>${parts.join('')}</body></html>`
  );
}

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}' +
  'code{overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc}' +
  ':target{background:#fff3bf}';

/** Of Markdown only `code` is used. */
function toHtml(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]*)`/g, '<code>$1</code>');
}
