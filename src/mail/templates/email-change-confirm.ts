import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { duration } from './duration.js';

/** To the new address: proves that it is theirs. */
export function emailChangeConfirm(
  data: { name: string; token: string; expiresInMinutes: number },
  links: Links,
): Mail {
  return compose({
    subject: 'Confirm your new e-mail address',
    name: data.name,
    body: [
      'This address is to become the e-mail address of your account.',
      { label: 'Confirm the new address', url: links.to('confirm-email-change', data.token) },
      `The link works once, for ${duration(data.expiresInMinutes)}. If you did not ask for it, do nothing: the account keeps its address.`,
    ],
  });
}
