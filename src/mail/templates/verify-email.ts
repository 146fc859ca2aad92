import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { duration } from './duration.js';

/** To somebody who registered: proves that the address is theirs. */
export function verifyEmail(data: { name: string; token: string; expiresInMinutes: number }, links: Links): Mail {
  return compose({
    subject: 'Confirm your e-mail address',
    name: data.name,
    body: [
      'An account was registered with this e-mail address. Confirm the address to use it.',
      { label: 'Confirm the address', url: links.to('verify-email', data.token) },
      `The link works once, for ${duration(data.expiresInMinutes)}. If you did not register, do nothing: without it the account cannot be used.`,
    ],
  });
}
