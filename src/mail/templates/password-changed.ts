import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { moment } from './duration.js';

/** To the owner of an account, after its password was changed or reset. @param data `at` in ISO 8601. */
export function passwordChanged(data: { name: string; at: string }, links: Links): Mail {
  return compose({
    subject: 'Your password was changed',
    name: data.name,
    body: [
      `The password of your account was changed on ${moment(data.at)}, and other sessions were ended.`,
      'If it was not you, ask for a new password at once: whoever did it then loses access.',
      { label: 'Go to the sign-in', url: links.app },
    ],
  });
}
