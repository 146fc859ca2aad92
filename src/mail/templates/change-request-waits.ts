import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { moment } from './duration.js';
import { passage, plain } from './plain.js';

/**
 * To whoever may approve a change of features, each time that it comes to wait for them.
 * @param data `applyAt` in ISO 8601.
 */
export function changeRequestWaits(
  data: {
    name: string;
    requestId: string;
    title: string;
    authorName: string;
    reason: string | null;
    /** Of which the person may approve it. */
    environments: string[];
    applyAt: string | null;
  },
  links: Links,
): Mail {
  return compose({
    subject: 'A change of features waits for your approval',
    name: data.name,
    body: [
      `Change: ${plain(data.title)}`,
      ...(data.reason === null ? [] : [`Why: ${passage(data.reason)}`]),
      `Asked for by: ${plain(data.authorName)}`,
      `Where you may approve it: ${data.environments.map(plain).join(', ')}`,
      ...(data.applyAt === null ? [] : [`It is to be made on ${moment(data.applyAt)}; later it cannot be approved.`]),
      `Its id is ${data.requestId}. Read what it would change, and approve or reject it. If it is changed first, you are asked again.`,
      { label: 'Sign in', url: links.app },
    ],
  });
}
