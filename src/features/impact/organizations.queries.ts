import type { EntityManager } from '@mikro-orm/postgresql';
import { asSystem } from '../../database/tenant-context.js';
import type { SubjectOrganization } from '../evaluator/index.js';
import { compileStored } from '../snapshots/organization-features.js';
import type { StoredOrganization } from '../snapshots/organization-features.queries.js';

/** An organization, and how many people would notice. */
export interface CountedOrganization extends SubjectOrganization {
  members: number;
}

/** Evaluated without a pause: others wait for this process as long as one page takes. */
const PAGE = 5_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Every active organization with its overrides of some features, page by page, each in a transaction of its own so that a
 * long list holds no old snapshot.
 */
export async function* activeOrganizations(
  em: EntityManager,
  features: readonly string[],
): AsyncGenerator<CountedOrganization[]> {
  for (let after = FIRST_ID; ;) {
    const rows = await asSystem(em, (system) => readPage(system, features, after));
    yield rows.map(({ overrides, ...row }) => ({
      ...row,
      overrides: compileStored(overrides ?? []),
    }));
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.id;
  }
}

interface Row {
  id: string;
  plan: string;
  members: number;
  overrides: StoredOrganization['overrides'] | null;
}

function readPage(em: EntityManager, features: readonly string[], after: string): Promise<Row[]> {
  return em.execute<Row[]>(
    `select o.id, o.plan_key as plan, o.member_count as members, s.overrides
       from organizations o
       left join lateral (
         select json_agg(json_build_object('feature', feature_key, 'environment', environment_key, 'value', value,
                                           'expiresAt', expires_at, 'reason', reason)) as overrides
           from organization_feature_settings
          where organization_id = o.id and feature_key in (select jsonb_array_elements_text(?::jsonb))
            and (expires_at is null or expires_at > now())) s on true
      where o.status = 'active' and o.id > ?
      order by o.id limit ${PAGE}`,
    [JSON.stringify(features), after],
  );
}

/** How many organizations have an override of a feature that counts in an environment now. */
export async function countOverrides(em: EntityManager, feature: string, environment: string): Promise<number> {
  const [row] = await asSystem(em, (system) =>
    system.execute<[{ count: number }]>(
      `select count(distinct organization_id)::int as count from organization_feature_settings
        where feature_key = ? and (environment_key is null or environment_key = ?)
          and (expires_at is null or expires_at > now())`,
      [feature, environment],
    ),
  );
  return row.count;
}
