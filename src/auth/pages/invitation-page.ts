import { newPasswordFields, outcome } from './page-parts.js';

/** The address that an invitation is for, and a place for the fields that fit it. */
export const INVITED_FIELDS = `<label for="email">E-mail address</label>
<input id="email" type="email" autocomplete="username" readonly>
<div id="fields"></div>
`;

/**
 * What the page of an invitation has beside the others: the fields of somebody with an account and of somebody new, of
 * which the script takes the ones that fit, and what can come of it.
 * @param passwordMinLength in characters.
 */
export function invitationParts(passwordMinLength: number): string {
  return `<template id="account">
<label for="password">Your password</label>
<input id="password" type="password" autocomplete="current-password" maxlength="1024" autocapitalize="none" spellcheck="false" aria-describedby="ways refused">
<p id="ways" class="hint">You have an account with this address. You are signed in here only to join, and signed out at once. If you sign in without a password, accept the invitation where you sign in.</p>
<div id="refused" role="alert"></div>
</template>
<template id="newcomer">
<label for="name">Your name</label>
<input id="name" type="text" autocomplete="name" maxlength="240" aria-describedby="misnamed">
<div id="misnamed" role="alert"></div>
${newPasswordFields(passwordMinLength)}</template>
${outcome('already_member', 'You are a member already', 'There is nothing left to do: sign in.')}
${outcome('seat_limit_reached', 'There is no seat left', 'The plan of the organization allows no more members. Ask whoever invited you. The link stays good, and this page can stay open.')}
${outcome('email_not_verified', 'Confirm your address first', 'Your account waits for the proof of its e-mail address. We have just mailed you a link for that. Follow it, then click here again.')}
${outcome('more_than_password', 'Your account needs more than a password', 'This page cannot ask for the rest. Accept the invitation where you sign in.')}
${outcome('ask_again', 'Open the link again', 'What it offers could not be shown, or has changed meanwhile. Open it from the mail again in a moment. Nothing has changed yet.')}
`;
}
