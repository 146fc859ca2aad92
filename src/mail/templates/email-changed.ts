import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { moment } from './duration.js';
import { plain } from './plain.js';

/** After a change of the address was confirmed or undone. @param data `at` in ISO 8601. */
export function emailChanged(data: { name: string; email: string; at: string }, links: Links): Mail {
  return compose({
    subject: 'Your e-mail address was changed',
    name: data.name,
    body: [
      `Since ${moment(data.at)} the e-mail address of your account is: ${plain(data.email)}`,
      'Use it to sign in from now on.',
      { label: 'Sign in', url: links.app },
    ],
  });
}
