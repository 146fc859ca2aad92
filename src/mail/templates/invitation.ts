import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { moment } from './duration.js';
import { plain } from './plain.js';

/**
 * To somebody who is invited to an organization, with an account or without: the mail is the same.
 * @param data `expiresAt` in ISO 8601.
 */
export function invitation(
  data: { inviterName: string; organizationName: string; role: string; token: string; expiresAt: string },
  links: Links,
): Mail {
  return compose({
    subject: 'You are invited to an organization',
    // Who they are is theirs to say: whoever invites knows no more than the address.
    name: '',
    body: [
      'Somebody invites you to work with them in their organization.',
      `Organization: ${plain(data.organizationName)}`,
      `Invited by: ${plain(data.inviterName)}`,
      `Your role there: ${plain(data.role)}`,
      { label: 'See the invitation', url: links.to('accept-invitation', data.token) },
      `The link works once, until ${moment(data.expiresAt)}. If you did not expect it, do nothing: without the link nobody joins in your name.`,
    ],
  });
}
