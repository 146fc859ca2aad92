import { compose, type Mail } from './compose.js';
import { plain } from './plain.js';

/** To somebody who was given another role. @param data `role` is its key. */
export function roleChanged(data: { name: string; organizationName: string; role: string }): Mail {
  return compose({
    subject: 'Your role was changed',
    name: data.name,
    body: [
      `In the organization ${plain(data.organizationName)} your role is now: ${plain(data.role)}`,
      'It holds at once, also where you are signed in already.',
    ],
  });
}
