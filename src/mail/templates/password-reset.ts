import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { duration } from './duration.js';

/** To somebody who forgot their password. */
export function passwordReset(data: { name: string; token: string; expiresInMinutes: number }, links: Links): Mail {
  return compose({
    subject: 'Choose a new password',
    name: data.name,
    body: [
      'Somebody asked for a new password for your account.',
      { label: 'Choose a new password', url: links.to('reset-password', data.token) },
      `The link works once, for ${duration(data.expiresInMinutes)}. If it was not you, do nothing: your password stays as it is.`,
    ],
  });
}
