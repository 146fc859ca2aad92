import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { plain } from './plain.js';

const REASONS = {
  gone: 'Its receiver answered that it wants no more events (410 Gone).',
  failing: 'Nothing has arrived there for five days.',
};

/** To owners and admins, or to platform admins, when Tenon has switched a webhook off. */
export function webhookDisabled(
  data: {
    name: string;
    organizationName: string | null;
    webhookId: string;
    description: string | null;
    host: string;
    reason: keyof typeof REASONS;
  },
  links: Links,
): Mail {
  return compose({
    subject: 'A webhook was switched off',
    name: data.name,
    body: [
      data.organizationName === null
        ? 'It is a webhook of the platform.'
        : `Organization: ${plain(data.organizationName)}`,
      `Webhook: ${data.description === null ? data.webhookId : `${plain(data.description)} (${data.webhookId})`}`,
      `Receiver: ${receiver(data.host)}`,
      REASONS[data.reason],
      'Events are not sent there any more. When the receiver is well again, switch the webhook on, and have sent again what it missed.',
      { label: 'Sign in', url: links.app },
    ],
  });
}

const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:]+\])(?::\d+)?$/;

/** Mail clients make links of names, not of bare addresses, which therefore stay as they are. */
const receiver = (host: string): string => (ADDRESS.test(host) ? host : plain(host));
