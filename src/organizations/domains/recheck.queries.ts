import type { EntityManager } from '@mikro-orm/postgresql';
import { newToken } from '../../kernel/tokens.js';
import { CHALLENGE_LIVES, type Claim } from './domains.queries.js';

/** A little less than a day, so that an hourly run finds each domain about once a day. */
const FRESH = `interval '23 hours'`;
/** How long a record may be missing: a weekend in which nobody reads mail does not end it, the next day does. */
const PATIENCE = `interval '3 days'`;
const BATCH = 100;

/** A proven domain whose record has to be looked for. */
export interface DueDomain extends Claim {
  domain: string;
  /** When it was checked last, as the database writes it: to the microsecond. */
  checked: string;
}

/** Who hears of it when a proof is missing. */
export interface Manager {
  email: string;
  name: string;
}

/** How a domain stands if its record is missing. */
export interface HeldDomain {
  /** Nobody has missed it before. */
  first: boolean;
  /** It was missing for so long that the domain is not proven any more. */
  lapsed: boolean;
  /** When it lapses. */
  lapsesAt: string;
}

/**
 * Proven domains that are due, those checked latest first: domains whose DNS does not answer stay due, and must not keep
 * the others waiting. @param after the last one of the batch before.
 */
export async function dueDomains(em: EntityManager, after: DueDomain | undefined): Promise<DueDomain[]> {
  return em.execute<DueDomain[]>(
    `select organization_id as "organizationId", id, domain, challenge, last_checked_at::text as checked
       from organization_domains
      where verified_at is not null and last_checked_at <= now() - ${FRESH}
        and (?::text is null or (last_checked_at, id) < (?::timestamptz, ?::uuid))
      order by last_checked_at desc, id desc limit ${BATCH}`,
    [after?.checked, after?.checked, after?.id].map((value) => value ?? null),
  );
}

/** Locks a domain, if nobody else has checked or changed it since it was found due. */
export async function holdDue(em: EntityManager, due: DueDomain): Promise<HeldDomain | undefined> {
  const [held] = await em.execute<HeldDomain[]>(
    `select missing_since is null as first,
            coalesce(missing_since <= now() - ${PATIENCE}, false) as lapsed,
            coalesce(missing_since, now()) + ${PATIENCE} as "lapsesAt"
       from organization_domains
      where organization_id = ? and id = ? and challenge = ? and verified_at is not null
        and last_checked_at = ?::timestamptz
        for update`,
    [due.organizationId, due.id, due.challenge, due.checked],
  );
  return held;
}

/** Writes down that the record is missing. */
export async function markMissing(em: EntityManager, { organizationId, id }: DueDomain): Promise<void> {
  await em.execute(
    `update organization_domains set last_checked_at = now(), missing_since = coalesce(missing_since, now())
      where organization_id = ? and id = ?`,
    [organizationId, id],
  );
}

/** Makes a domain unproven. What proved it once proves it no more: it has another challenge. */
export async function markLapsed(em: EntityManager, { organizationId, id }: DueDomain): Promise<void> {
  await em.execute(
    `update organization_domains
        set verified_at = null, missing_since = null, last_checked_at = now(),
            challenge = ?, challenge_expires_at = now() + ${CHALLENGE_LIVES}
      where organization_id = ? and id = ?`,
    [newToken(), organizationId, id],
  );
}

/** The name of an organization, and its active owners and admins. */
export async function managersOf(
  em: EntityManager,
  organizationId: string,
): Promise<{ organizationName: string; managers: Manager[] }> {
  const rows = await em.execute<(Manager & { organizationName: string })[]>(
    `select o.name as "organizationName", u.email, u.full_name as name
       from organizations o
       join user_organization_membership m on m.organization_id = o.id and m.role in ('owner', 'admin')
       join users u on u.id = m.user_id and u.status = 'active'
      where o.id = ?`,
    [organizationId],
  );
  return { organizationName: rows[0]?.organizationName ?? '', managers: rows };
}
