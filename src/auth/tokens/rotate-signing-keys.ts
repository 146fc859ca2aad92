import type { Schedule } from '../../jobs/schedules.js';
import { Actor } from '../../kernel/actor.js';
import type { SigningKeys } from './signing-keys.js';

/** NIST SP 800-57 part 1 (5.3.6) allows a signing key one to three years; a quarter keeps the way of it in practice. */
const ROTATE_AFTER_DAYS = 90;

/** The schedule that renews the signing key. Daily, so that a missed slot costs a day and not a quarter. */
export function rotateSigningKeys(keys: SigningKeys): Schedule {
  return {
    id: 'signing-keys',
    description: `Renews the key that signs access tokens when it is ${ROTATE_AFTER_DAYS} days old, and removes expired ones`,
    schedule: '41 3 * * *',
    run: () => keys.rotate(Actor.system('signing-keys'), { olderThanDays: ROTATE_AFTER_DAYS }),
  };
}
