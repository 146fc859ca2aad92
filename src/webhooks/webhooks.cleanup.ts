import type { EntityManager } from '@mikro-orm/postgresql';
import { asSystem } from '../database/tenant-context.js';
import type { Schedule } from '../jobs/schedules.js';
import type { SecretBox } from '../kernel/secrets.js';
import { sealOfSecret } from './endpoints/webhook-secrets.js';

/** Deliveries find their month for this long when the schedule does not run; after it the default partition takes them. */
const MONTHS_AHEAD = 3;
/** How long deliveries can be seen and repeated: to the end of their month, and so much longer. */
const DAYS_KEPT = 30;

/** What is done for webhooks once a day. */
export function webhooksSchedule(em: EntityManager, box: SecretBox): Schedule {
  return {
    id: 'webhooks',
    description: `Drops months of webhook deliveries that ended ${DAYS_KEPT} days ago, makes those to come, and seals secrets with the newest key`,
    schedule: '20 0 * * *',
    run: async () => {
      await rollDeliveryPartitions(em);
      await resealSecrets(em, box);
    },
  };
}

/** Makes and drops partitions. @returns how many of each. */
export async function rollDeliveryPartitions(em: EntityManager): Promise<{ made: number; dropped: number }> {
  return asSystem(em, async (system) => {
    const [row] = await system.execute<[{ made: number; dropped: number }]>(
      'select create_webhook_partitions(?) as made, drop_webhook_partitions(?) as dropped',
      [MONTHS_AHEAD, DAYS_KEPT],
    );
    return row;
  });
}

/**
 * Seals secrets that are under an older key with the one that encrypts now, so that the older one can go, and forgets
 * those that are over. @returns how many webhooks were changed.
 */
export async function resealSecrets(em: EntityManager, box: SecretBox): Promise<number> {
  return asSystem(em, async (system) => {
    await system.execute(
      `update webhook_endpoints set previous_secret = null, previous_secret_expires_at = null
        where previous_secret_expires_at <= now()`,
    );
    const current = `v1.${box.currentKeyId}.`;
    const rows = await system.execute<{ id: string; secret: string; previous_secret: string | null }[]>(
      `select id, secret, previous_secret from webhook_endpoints
        where not starts_with(secret, ?) or not starts_with(previous_secret, ?) for update`,
      [current, current],
    );
    for (const { id, secret, previous_secret: previous } of rows) {
      const seal = sealOfSecret(id);
      const again = (sealed: string): string => box.encrypt(box.decrypt(sealed, seal), seal);
      await system.execute('update webhook_endpoints set secret = ?, previous_secret = ? where id = ?', [
        again(secret),
        previous === null ? null : again(previous),
        id,
      ]);
    }
    return rows.length;
  });
}
