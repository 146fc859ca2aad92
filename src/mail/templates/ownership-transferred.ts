import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { plain } from './plain.js';

/** To somebody who was made owner of an organization. @param data `formerOwnerName`: null when nobody stepped down. */
export function ownershipTransferred(
  data: { name: string; organizationName: string; formerOwnerName: string | null },
  links: Links,
): Mail {
  const { formerOwnerName } = data;
  return compose({
    subject: 'You own an organization',
    name: data.name,
    body: [
      `Organization: ${plain(data.organizationName)}`,
      ...(formerOwnerName === null ? [] : [`Handed over by: ${plain(formerOwnerName)}`]),
      'You are its owner now: members, roles, security policies and its end are yours to decide.',
      { label: 'Sign in', url: links.app },
    ],
  });
}
