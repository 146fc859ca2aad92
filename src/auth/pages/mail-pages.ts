import type { MailPage } from '../../mail/links.js';
import { INVITED_FIELDS, invitationParts } from './invitation-page.js';
import { newPasswordFields, outcome } from './page-parts.js';

/** What a page says and where its click goes. All of it is our own text; nothing of a request ever stands in a page. */
interface PageText {
  title: string;
  /** What a click will do. */
  lead: string;
  button: string;
  /** The route that the click POSTs `{token}` to, with the password where one is asked for. Relative to the page. */
  action: string;
  asksForPassword?: true;
  /** The route that is asked what the link offers before anything is shown. */
  preview?: string;
  done: [heading: string, text: string];
  /** Why the link may not work, and what to do then. */
  linkInvalid: string;
}

const REPLACED = 'It was used before, has expired, or was replaced by a newer one.';

const PAGES: Record<MailPage, PageText> = {
  'verify-email': {
    title: 'Confirm your e-mail address',
    lead: 'With one click you show that this mailbox is yours. After that you can sign in.',
    button: 'Confirm the address',
    action: 'api/v1/auth/verify-email',
    done: ['Your address is confirmed', 'You can sign in now. This page can be closed.'],
    linkInvalid: `${REPLACED} If you confirmed the address before, there is nothing left to do: sign in. If not, ask for a new mail where you registered.`,
  },
  'reset-password': {
    title: 'Choose a new password',
    lead: 'Your old password stops working, and every device that is signed in has to sign in again.',
    button: 'Set the new password',
    action: 'api/v1/auth/password/reset',
    asksForPassword: true,
    done: [
      'Your new password is set',
      'Every session has ended. Sign in with the new password. This page can be closed.',
    ],
    linkInvalid: `${REPLACED} Ask for a new link where you sign in; only the newest one works, once, for an hour.`,
  },
  'confirm-email-change': {
    title: 'Confirm your new e-mail address',
    lead: 'With one click this address becomes the e-mail address of your account.',
    button: 'Confirm the new address',
    action: 'api/v1/auth/email-change/confirm',
    done: ['Your new address is confirmed', 'Use it to sign in from now on. This page can be closed.'],
    linkInvalid: `${REPLACED} If you confirmed the address before, sign in with it. If not, ask for the change again.`,
  },
  'undo-email-change': {
    title: 'Keep your e-mail address',
    lead: 'Somebody asked to change the e-mail address of your account. If you undo it, the account keeps the address that our mail was sent to, and every device that is signed in has to sign in again.',
    button: 'Undo the change',
    action: 'api/v1/auth/email-change/undo',
    done: [
      'The change is undone',
      'Your account has this e-mail address, and every session has ended. If you did not ask for the change, somebody knows your password: choose a new one with the link that we have just mailed to you.',
    ],
    linkInvalid: `${REPLACED} If you undid the change before, there is nothing left to do.`,
  },
  'accept-invitation': {
    title: 'Join an organization',
    lead: 'You are invited to join <strong data-organization></strong> as <strong data-role></strong>. The link works until <span data-expires></span>.',
    button: 'Join',
    action: 'api/v1/invitations/accept',
    preview: 'api/v1/invitations/preview',
    done: [
      'You have joined',
      'Sign in where you work with <strong data-organization></strong>. This page can be closed.',
    ],
    linkInvalid:
      '<span data-detail></span>. If you accepted it before, there is nothing left to do: sign in. If not, ask whoever invited you for a new mail; only the newest link works.',
  },
};

/**
 * The page behind a link of a mail. It changes nothing by being opened: mail scanners and previews open links too.
 * @param assets the version of script and style sheet, so that they can be cached for good.
 * @param passwordMinLength in characters, for the rules that the page tells.
 */
export function renderMailPage(page: MailPage, assets: string, passwordMinLength: number): string {
  const { title, lead, button, action, asksForPassword, preview, done, linkInvalid } = PAGES[page];
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="pages/pages.css?v=${assets}">
<script src="pages/pages.js?v=${assets}" defer></script>
</head>
<body>
<main>
<h1>${title}</h1>
<p id="without-script">This page needs JavaScript, and it did not run. Allow it for this page, then open the link of the mail again. Nothing has changed yet.</p>
<form data-action="${action}"${preview ? ` data-preview="${preview}"` : ''} method="post" novalidate hidden>
<p>${lead}</p>
${asksForPassword ? newPasswordFields(passwordMinLength) : ''}${preview ? INVITED_FIELDS : ''}<button type="submit">${button}</button>
</form>
<div id="outcome" role="status" tabindex="-1"></div>
</main>
${outcome('done', ...done)}
${outcome('link_invalid', 'This link does not work any more', linkInvalid)}
${outcome('email_taken', 'The address belongs to another account', 'Meanwhile somebody registered this address, so that your account cannot have it back by itself. Write to the people who run this service.')}
${outcome('incomplete', 'The link is not complete', 'Open it from the mail again. If your mail program breaks it over two lines, copy all of it into the address bar.')}
${outcome('wait', 'Too many tries', 'Wait <span data-wait></span>, then click again. Nothing has changed yet.')}
${outcome('unavailable', 'The server does not answer', 'Try again in a moment; this page can stay open. If the link is then said to be used, the first try did arrive.')}
${outcome('unexpected', 'That did not work', 'Something went wrong on our side. If it stays so, write to the people who run this service and name <code data-request></code>.')}
${preview ? invitationParts(passwordMinLength) : ''}</body>
</html>
`;
  // On a phone the word would break after its first letter: U+2011 is the hyphen that holds.
  return html.replaceAll('e-mail', 'e\u2011mail');
}
