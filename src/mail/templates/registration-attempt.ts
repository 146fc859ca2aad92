import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';

/** To the owner of an account whose address somebody registered again, or wanted to change theirs to; the registration itself says nothing. */
export function registrationAttempt(data: { name: string }, links: Links): Mail {
  return compose({
    subject: 'You already have an account',
    name: data.name,
    body: [
      'Somebody tried to register an account with this e-mail address, or to move theirs to it. It belongs to your account, so nothing was changed.',
      { label: 'Sign in', url: links.app },
      'If you forgot your password, ask for a new one where you sign in. If it was not you, there is nothing to do.',
    ],
  });
}
