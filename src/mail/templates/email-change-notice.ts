import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { duration } from './duration.js';
import { plain } from './plain.js';

/** To the old address, when a change was asked for: its owner can undo it. */
export function emailChangeNotice(
  data: { name: string; newEmail: string; token: string; expiresInMinutes: number },
  links: Links,
): Mail {
  return compose({
    subject: 'Your e-mail address is to be changed',
    name: data.name,
    body: [
      `Somebody signed in to your account asked to change its e-mail address to: ${plain(data.newEmail)}`,
      'If it was you, there is nothing to do. If it was not, undo the change: the account keeps this address, and every session ends.',
      { label: 'Undo the change', url: links.to('undo-email-change', data.token) },
      `The link works once, for ${duration(data.expiresInMinutes)}, also after the new address was confirmed.`,
    ],
  });
}
