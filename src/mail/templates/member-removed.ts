import { compose, type Mail } from './compose.js';
import { plain } from './plain.js';

/** To somebody whom others took out of an organization. */
export function memberRemoved(data: { name: string; organizationName: string }): Mail {
  return compose({
    subject: 'You are no longer a member',
    name: data.name,
    body: [
      `You were removed from the organization: ${plain(data.organizationName)}`,
      'Your account and your other organizations stay as they are. If you think that this is a mistake, ask an owner of the organization.',
    ],
  });
}
