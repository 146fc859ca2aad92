import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { moment } from './duration.js';
import { plain } from './plain.js';

/** To each owner of an organization that was deleted. @param data `restorableUntil` in ISO 8601. */
export function organizationDeleted(
  data: { name: string; organizationName: string; restorableUntil: string },
  links: Links,
): Mail {
  return compose({
    subject: 'An organization of yours is deleted',
    name: data.name,
    body: [
      `Organization: ${plain(data.organizationName)}`,
      'It is deleted, and nobody can work in it any more.',
      `As an owner you can restore it until ${moment(data.restorableUntil)}. After that it is removed for good, with everything in it.`,
      { label: 'Sign in', url: links.app },
    ],
  });
}
