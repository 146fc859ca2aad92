import type { EntityManager } from '@mikro-orm/postgresql';
import { problem } from '../../kernel/problem.js';
import type { Json } from '../../kernel/json.js';

/**
 * Locks an organization, as a change of its plan does: what is checked against its plan and its overrides stays so until
 * the transaction ends.
 * @throws Problem `not_found` when it was removed for good since the guard saw it.
 */
export async function holdOrganization(em: EntityManager, organizationId: string): Promise<void> {
  const held = await em.execute<{ id: string }[]>('select id from organizations where id = ? for no key update', [
    organizationId,
  ]);
  if (held.length === 0) throw problem('not_found');
}

/** What an override was. */
export interface RemovedOverride {
  value: Json;
  reason: string;
  expiresAt: string | null;
}

/** Removes an override; null when there is none, or it has expired. */
export async function removeOverride(
  em: EntityManager,
  organizationId: string,
  feature: string,
  environment: string | null,
): Promise<RemovedOverride | null> {
  const [removed] = await em.execute<RemovedOverride[]>(
    `delete from organization_feature_settings
      where organization_id = ? and feature_key = ? and environment_key is not distinct from ?
        and (expires_at is null or expires_at > clock_timestamp())
  returning value, reason, expires_at as "expiresAt"`,
    [organizationId, feature, environment],
  );
  return removed ?? null;
}

export async function environmentExists(em: EntityManager, key: string): Promise<boolean> {
  return (await em.execute<object[]>('select 1 from environments where key = ?', [key])).length > 0;
}
