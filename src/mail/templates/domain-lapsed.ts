import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { plain } from './plain.js';

/** To owners and admins, when a domain does not count as proven any more. */
export function domainLapsed(data: { name: string; organizationName: string; domain: string }, links: Links): Mail {
  return compose({
    subject: 'A domain is not proven any more',
    name: data.name,
    body: [
      `Organization: ${plain(data.organizationName)}`,
      `Domain: ${plain(data.domain)}`,
      'The TXT record that proves the domain was missing from DNS for three days. It does not count as proven any more.',
      'To prove it again, put the new record into DNS that the domains of the organization show, and verify the domain.',
      { label: 'Sign in', url: links.app },
    ],
  });
}
