import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { duration, moment } from './duration.js';

/**
 * To somebody who registered: proves that the address is theirs. Says when and from where, so that whoever did not do
 * it, or did it otherwise, can tell.
 * @param data `registered.at` in ISO 8601, `registered.ip` as the socket said it; nothing for somebody who was imported.
 */
export function verifyEmail(
  data: {
    name: string;
    token: string;
    expiresInMinutes: number;
    registered?: { at: string; ip: string | null };
  },
  links: Links,
): Mail {
  const { registered } = data;
  const origin = registered ? ` on ${moment(registered.at)}${registered.ip ? ` from ${registered.ip}` : ''}` : '';
  return compose({
    subject: 'Confirm your e-mail address',
    name: data.name,
    body: [
      `An account was registered with this e-mail address${origin}. Confirm the address to use it.`,
      { label: 'Confirm the address', url: links.to('verify-email', data.token) },
      `The link works once, for ${duration(data.expiresInMinutes)}. If that was not you, do not follow it: whoever registered chose the password, and without the link the account cannot be used.`,
    ],
  });
}
