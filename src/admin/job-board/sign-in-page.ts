import { readFileSync } from 'node:fs';

/** The script of the page. */
export const script = readFileSync(new URL('static/sign-in.js', import.meta.url), 'utf8');

/** Where a platform admin signs in to the job board; addresses are relative to it. */
export const SIGN_IN_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Jobs</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="../../pages/pages.css">
<script src="sign-in.js" defer></script>
</head>
<body>
<main>
<h1>Jobs</h1>
<noscript><p>This page needs JavaScript. Allow it for this page, then load it again.</p></noscript>
<form method="post" novalidate>
<p>For platform admins. You stay signed in for 15 minutes.</p>
<label for="email">E\u2011mail address</label>
<input id="email" type="email" autocomplete="username" autocapitalize="none" spellcheck="false" required>
<label for="password">Password</label>
<input id="password" type="password" autocomplete="current-password" maxlength="1024" required>
<div id="refused" role="alert"></div>
<button type="submit">Sign in</button>
</form>
</main>
</body>
</html>
`;
