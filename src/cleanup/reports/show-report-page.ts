import { readFileSync } from 'node:fs';

/** Loads nothing but our own; the styles within it are those of the report. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The script of the page. */
export const script = readFileSync(new URL('static/show-report.js', import.meta.url), 'utf8');

/** Where the mail of a report leads to: it asks who is there, and shows the report that its address names. */
export const SHOW_REPORT_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Report of the cleanup</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="pages/pages.css">
<script src="cleanup-report.js" defer></script>
</head>
<body>
<main>
<h1>Report of the cleanup</h1>
<noscript><p>This page needs JavaScript. Allow it for this page, then load it again.</p></noscript>
<form method="post" novalidate>
<p>For platform admins. You are signed out again as soon as the report is here.</p>
<label for="email">E\u2011mail address</label>
<input id="email" type="email" autocomplete="username" autocapitalize="none" spellcheck="false" required>
<label for="password">Password</label>
<input id="password" type="password" autocomplete="current-password" maxlength="1024" required>
<div id="refused" role="alert"></div>
<button type="submit">Show the report</button>
</form>
</main>
</body>
</html>
`;
