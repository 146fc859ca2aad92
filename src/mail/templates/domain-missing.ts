import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { moment } from './duration.js';
import { plain } from './plain.js';

/** To owners and admins, when the record of a proven domain was not found. @param data `at` in ISO 8601: when it lapses. */
export function domainMissing(
  data: { name: string; organizationName: string; domain: string; at: string },
  links: Links,
): Mail {
  return compose({
    subject: 'The proof of a domain is missing',
    name: data.name,
    body: [
      `Organization: ${plain(data.organizationName)}`,
      `Domain: ${plain(data.domain)}`,
      'The TXT record that proves the domain is no longer in DNS.',
      `Put it back before ${moment(data.at)}. If it is still missing then, the domain does not count as proven any more, and others can prove it.`,
      'The domains of the organization show what the record has to be. Whoever manages DNS needs it.',
      { label: 'Sign in', url: links.app },
    ],
  });
}
