import { readFileSync } from 'node:fs';

const form = readFileSync(new URL('static/sign-in.js', import.meta.url), 'utf8');

/** What a page on which a platform admin signs in says, as HTML. */
export interface SignInPage {
  title: string;
  /** Who signs in, and for how long. */
  hint: string;
  button: string;
  /** Leads from the page to where the API begins: empty, or ending with a slash. */
  root: string;
  /** Where the script of {@link signInScript} is, from the page. */
  script: string;
}

/** A page on which a platform admin signs in, so that its script can do what the page is for. */
export function renderSignInPage({ title, hint, button, root, script }: SignInPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${root}pages/pages.css">
<script src="${script}" defer></script>
</head>
<body>
<main>
<h1>${title}</h1>
<noscript><p>This page needs JavaScript. Allow it for this page, then load it again.</p></noscript>
<form method="post" novalidate>
<p>${hint}</p>
<label for="email">E\u2011mail address</label>
<input id="email" type="email" autocomplete="username" autocapitalize="none" spellcheck="false" required>
<label for="password">Password</label>
<input id="password" type="password" autocomplete="current-password" maxlength="1024" required>
<div id="refused" role="alert"></div>
<button type="submit">${button}</button>
</form>
</main>
</body>
</html>
`;
}

/** The script of such a page: the form's own, and that of a file which calls its `onSignIn`. */
export function signInScript(file: URL): string {
  return `${form}\n${readFileSync(file, 'utf8')}`;
}
