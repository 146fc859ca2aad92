import type { EntityManager } from '@mikro-orm/postgresql';
import { asSystem } from '../../database/tenant-context.js';
import { FatalStartError } from '../../kernel/readiness.js';
import type { SecretBox } from '../../kernel/secrets.js';

/** Where a sealed secret belongs: in the place of another endpoint's it does not open. */
export const sealOfSecret = (endpointId: string): string => `webhook_endpoints.secret:${endpointId}`;

/**
 * Opens one secret under each key: what could not be signed is better known at the start than when it is to be sent.
 * @throws FatalStartError when one does not open, such as when its key is no longer among SECRET_KEYS.
 */
export async function requireSecretKeys(em: EntityManager, box: SecretBox): Promise<void> {
  const rows = await asSystem(em, (system) =>
    system.execute<{ id: string; sealed: string }[]>(
      `select distinct on (split_part(sealed, '.', 2)) id, sealed
         from webhook_endpoints
        cross join unnest(array[secret, case when previous_secret_expires_at > now() then previous_secret end]) sealed
        where sealed is not null`,
    ),
  );
  try {
    for (const { id, sealed } of rows) box.decrypt(sealed, sealOfSecret(id));
  } catch (cause) {
    throw new FatalStartError(`A secret of a webhook does not open: ${(cause as Error).message}`, { cause });
  }
}
