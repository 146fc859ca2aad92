import { EntityManager, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Env } from '../../../config/env.js';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import type { PageQuery } from '../../kernel/lists.js';
import { newId } from '../../kernel/ids.js';
import { problem } from '../../kernel/problem.js';
import { newToken } from '../../kernel/tokens.js';
import { readDomain, recordName, recordValue } from './domain-name.js';
import { Domain } from './domain.entity.js';
import {
  type Claim,
  holdClaims,
  insertClaim,
  isProvenByOthers,
  markFound,
  markMissed,
  markProven,
  renewChallenge,
} from './domains.queries.js';
import { txtRecordsOf } from './txt-records.js';

@Injectable()
export class DomainsService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly env: Env,
  ) {}

  /**
   * Claims a domain: a word that counts for nothing until it is proven. Claims of others do not stand in its way.
   * @param typed the domain, however it is written.
   * @throws Problem what {@link readDomain} has against it; `domain_taken` when others have proven it; `conflict` for a
   * claim that is there already; `plan_limit_reached`.
   */
  async claim(actor: Actor, typed: string): Promise<Domain> {
    const organizationId = actor.requiredOrganizationId;
    const domain = readDomain(typed);
    // Beyond the tenant's sight. Who proves it between here and the end is met at the verification.
    if (await asSystem(this.em, (em) => isProvenByOthers(em, organizationId, domain))) throw problem('domain_taken');
    return this.em.transactional(async (em) => {
      const { held, allowed, claimed } = await holdClaims(em, organizationId, domain);
      if (claimed) throw problem('conflict', { detail: 'The organization has claimed this domain already' });
      if (allowed !== null && held >= allowed)
        throw problem('plan_limit_reached', { detail: `Domains on the plan: ${allowed}; release one first` });
      const id = newId();
      const row = await insertClaim(em, { organizationId, id, domain, challenge: newToken() });
      this.audit.record(actor, 'domain.claimed', { target: { type: 'domain', id }, after: { domain } });
      return em.map(Domain, row);
    });
  }

  /** The domains that the organization claims, by name. */
  async list(actor: Actor, { page, perPage }: PageQuery): Promise<[Domain[], number]> {
    return this.em.findAndCount(
      Domain,
      { organization: actor.requiredOrganizationId },
      { orderBy: { domain: 'asc' }, limit: perPage, offset: (page - 1) * perPage },
    );
  }

  /** A claimed domain. @throws Problem `not_found`. */
  async get(actor: Actor, id: string): Promise<Domain> {
    const domain = await this.em.findOne(Domain, { organization: actor.requiredOrganizationId, id });
    if (!domain) throw problem('not_found');
    return domain;
  }

  /**
   * Looks for the record of a claim in DNS. What is found proves the domain; for one that is proven already it is a
   * check ahead of time, which can only help it. No transaction is open while DNS is asked.
   * @throws Problem `domain_not_proven`; `domain_taken` when others were faster; `external_service_failed` when DNS does
   * not answer; `not_found`.
   */
  async verify(actor: Actor, id: string): Promise<Domain> {
    const { id: claimId, domain, challenge } = await this.get(actor, id);
    const claim: Claim = { organizationId: actor.requiredOrganizationId, id: claimId, challenge };
    const name = recordName(domain);
    if (await this.em.transactional((em) => renewChallenge(em, claim, newToken())))
      throw problem('domain_not_proven', {
        detail: `The challenge had expired: the record at ${name} has to be another one now, which the claim shows`,
      });
    const records = await txtRecordsOf(name, this.env.dnsServers);
    if (records.includes(recordValue(challenge))) return this.prove(actor, claim, domain);
    await this.em.transactional((em) => markMissed(em, claim));
    throw problem('domain_not_proven', {
      detail: `No TXT record at ${name} is the one of this claim; others there: ${records.length}`,
    });
  }

  /** Releases a claim, proven or not. @throws Problem `not_found`. */
  async release(actor: Actor, id: string): Promise<void> {
    await this.em.transactional(async (em) => {
      const [released] = await em.execute<{ id: string; domain: string }[]>(
        'delete from organization_domains where organization_id = ? and id = ? returning id, domain',
        [actor.requiredOrganizationId, id],
      );
      if (!released) throw problem('not_found');
      this.audit.record(actor, 'domain.released', {
        target: { type: 'domain', id: released.id },
        before: { domain: released.domain },
      });
    });
  }

  /** Writes down that the record of a claim was found, unless the claim is another one by now. */
  private async prove(actor: Actor, claim: Claim, domain: string): Promise<Domain> {
    try {
      return await this.em.transactional(async (em) => {
        const proven = await markProven(em, claim);
        if (proven)
          this.audit.record(actor, 'domain.verified', {
            target: { type: 'domain', id: claim.id },
            after: { domain },
          });
        const row = proven ?? (await markFound(em, claim));
        if (!row)
          throw problem('domain_not_proven', { detail: 'The claim was changed while DNS was asked; look at it again' });
        return em.map(Domain, row);
      });
    } catch (error) {
      if (error instanceof UniqueConstraintViolationException) throw problem('domain_taken', { cause: error });
      throw error;
    }
  }
}
