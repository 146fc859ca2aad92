import { compose, type Mail } from './compose.js';

/** To somebody who deleted their account. */
export function accountDeletionConfirmed(data: { name: string }): Mail {
  return compose({
    subject: 'Your account is deleted',
    name: data.name,
    body: [
      'As you asked, your account is deleted. Every session has ended, and nobody can sign in to it any more.',
      'If it was not you, write to the people who run this service at once.',
    ],
  });
}
