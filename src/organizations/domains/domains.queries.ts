import type { EntityManager } from '@mikro-orm/postgresql';
import { problem } from '../../kernel/problem.js';

/** How long an unproven claim can be proven with its challenge. */
export const CHALLENGE_LIVES = `interval '7 days'`;

/** A row as the database has it. */
type Row = Record<string, unknown>;
/** A claim with the challenge that was looked for. */
export interface Claim {
  organizationId: string;
  id: string;
  challenge: string;
}

/** What was released meanwhile, or has another challenge, is another claim. */
const SAME = 'organization_id = ? and id = ? and challenge = ?';
const same = ({ organizationId, id, challenge }: Claim): string[] => [organizationId, id, challenge];

/** Whether another organization has proven a domain. @param em of a system transaction. */
export async function isProvenByOthers(em: EntityManager, organizationId: string, domain: string): Promise<boolean> {
  const found = await em.execute(
    'select from organization_domains where domain = ? and verified_at is not null and organization_id <> ?',
    [domain, organizationId],
  );
  return found.length > 0;
}

/**
 * Counts the claims of an organization, and keeps others of its own from claiming until the transaction ends.
 * @throws Problem `not_found` when the organization is gone.
 * @returns how many it holds, how many its plan allows (null: any number), whether this domain is among them.
 */
export async function holdClaims(
  em: EntityManager,
  organizationId: string,
  domain: string,
): Promise<{ held: number; allowed: number | null; claimed: boolean }> {
  // By itself: the count of one statement with the lock would be of before the wait.
  await em.execute('select from organizations where id = ? for no key update', [organizationId]);
  const [claims] = await em.execute<{ held: number; allowed: number | null; claimed: boolean }[]>(
    `select count(d.id)::int as held, p.domains as allowed, coalesce(bool_or(d.domain = ?), false) as claimed
       from organizations o
       join plans p on p.key = o.plan_key
       left join organization_domains d on d.organization_id = o.id
      where o.id = ? group by p.domains`,
    [domain, organizationId],
  );
  // Removed for good since the guard saw it.
  if (!claims) throw problem('not_found');
  return claims;
}

/** Stores a claim, unproven. */
export async function insertClaim(em: EntityManager, { domain, ...claim }: Claim & { domain: string }): Promise<Row> {
  const [row] = await em.execute<Row[]>(
    `insert into organization_domains (organization_id, id, domain, challenge, challenge_expires_at, created_at)
     values (?, ?, ?, ?, now() + ${CHALLENGE_LIVES}, now()) returning *`,
    [claim.organizationId, claim.id, domain, claim.challenge],
  );
  return row!;
}

/** Gives a claim another challenge if it has expired unproven: of many at once, one does. @returns whether it did. */
export async function renewChallenge(em: EntityManager, claim: Claim, challenge: string): Promise<boolean> {
  const renewed = await em.execute(
    `update organization_domains set challenge = ?, challenge_expires_at = now() + ${CHALLENGE_LIVES}
      where ${SAME} and verified_at is null and challenge_expires_at <= now() returning 1`,
    [challenge, ...same(claim)],
  );
  return renewed.length > 0;
}

/**
 * Makes a claim proven, if it was not and still has the challenge that was found: of many at once, one does.
 * @throws UniqueConstraintViolationException when another organization has proven the domain.
 */
export async function markProven(em: EntityManager, claim: Claim): Promise<Row | undefined> {
  const [row] = await em.execute<Row[]>(
    `update organization_domains set verified_at = now(), last_checked_at = now()
      where ${SAME} and verified_at is null and challenge_expires_at > now() returning *`,
    same(claim),
  );
  return row;
}

/** Writes down that the record of a proven domain is there. */
export async function markFound(em: EntityManager, claim: Claim): Promise<Row | undefined> {
  const [row] = await em.execute<Row[]>(
    `update organization_domains set last_checked_at = now(), missing_since = null
      where ${SAME} and verified_at is not null returning *`,
    same(claim),
  );
  return row;
}

/** Writes down that the record of an unproven claim is not there. */
export async function markMissed(em: EntityManager, claim: Claim): Promise<void> {
  await em.execute(
    `update organization_domains set last_checked_at = now() where ${SAME} and verified_at is null`,
    same(claim),
  );
}
