import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { moment } from './duration.js';

/** After a refresh token was presented twice: somebody may hold a copy of it (RFC 9700, 4.14.2). @param data `at` in ISO 8601. */
export function refreshTokenReuse(data: { name: string; at: string }, links: Links): Mail {
  return compose({
    subject: 'One of your sessions was ended',
    name: data.name,
    body: [
      `On ${moment(data.at)} a key of one of your sessions was used a second time. Somebody may have copied it, so the session was ended.`,
      'Sign in again. If other things about your account look odd, change your password.',
      { label: 'Sign in', url: links.app },
    ],
  });
}
