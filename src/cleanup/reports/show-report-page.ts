import { renderSignInPage, signInScript } from '../../kernel/sign-in-page/sign-in-page.js';

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
export const script = signInScript(new URL('static/show-report.js', import.meta.url));

/** Where the mail of a report leads to: it asks who is there, and shows the report that its address names. */
export const SHOW_REPORT_PAGE = renderSignInPage({
  title: 'Report of the cleanup',
  hint: 'For platform admins. You are signed out again as soon as the report is here.',
  button: 'Show the report',
  root: '',
  script: 'cleanup-report.js',
});
