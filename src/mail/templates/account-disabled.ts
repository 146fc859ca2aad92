import { compose, type Mail } from './compose.js';

/** To somebody whose account an administrator disabled. */
export function accountDisabled(data: { name: string }): Mail {
  return compose({
    subject: 'Your account is disabled',
    name: data.name,
    body: [
      'An administrator disabled your account. Every session has ended.',
      'If you think that this is a mistake, write to the people who run this service.',
    ],
  });
}
