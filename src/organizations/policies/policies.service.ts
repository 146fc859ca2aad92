import { EntityManager, LockMode } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { type Actor, PLATFORM_ADMIN } from '../../kernel/actor.js';
import { type FieldError, problem } from '../../kernel/problem.js';
import { OrganizationAccess } from '../access/organization-access.js';
import { refusalByPolicies } from '../access/organization-door.js';
import { readRange } from './ip-ranges.js';
import { OrganizationPolicies } from './organization-policies.entity.js';
import type { PutPoliciesRequest } from './policies.dto.js';

/** What an organization asks of its members, as it is stored. */
export type Policies = Pick<OrganizationPolicies, keyof PutPoliciesRequest | 'version'>;

const FIELDS = ['mfaRequired', 'sessionLifetimeMinutes', 'signInMethods', 'ipAllowList'] as const;
/** Of an organization that never said what it asks; what a new row holds. */
const NOTHING_ASKED: Policies = {
  mfaRequired: false,
  sessionLifetimeMinutes: null,
  signInMethods: null,
  ipAllowList: null,
  version: 1,
};

@Injectable()
export class PoliciesService {
  constructor(
    private readonly em: EntityManager,
    private readonly access: OrganizationAccess,
    private readonly audit: AuditService,
  ) {}

  /** The policies of the caller's tenant. */
  async get(actor: Actor): Promise<Policies> {
    const stored = await this.em.findOne(OrganizationPolicies, { organization: actor.requiredOrganizationId });
    return stored ?? NOTHING_ASKED;
  }

  /**
   * Replaces the policies of the caller's tenant. Every instance asks by them within a second.
   * @param version that the caller read; null for any.
   * @throws Problem `validation_failed`; `policy_locks_you_out`, not for platform admins, whom policies do not bind;
   * `precondition_failed`.
   */
  async put(actor: Actor, request: PutPoliciesRequest, version: number | null): Promise<Policies> {
    const asked = { ...request, ipAllowList: request.ipAllowList && readRanges(request.ipAllowList) };
    refuseLockOut(actor, asked);
    const organizationId = actor.requiredOrganizationId;
    return this.access.change(organizationId, async (em) => {
      const policies = await holdPolicies(em, organizationId);
      if (version !== null && policies.version !== version) throw problem('precondition_failed');
      const changed = FIELDS.filter(
        (field) => JSON.stringify(asked[field]) !== JSON.stringify(policies[field] ?? null),
      );
      if (changed.length === 0) return policies;
      const after = Object.fromEntries(changed.map((field) => [field, asked[field]]));
      this.audit.record(actor, 'organization.policies_updated', {
        target: { type: 'organization', id: organizationId },
        before: Object.fromEntries(changed.map((field) => [field, policies[field] ?? null])),
        after,
      });
      Object.assign(policies, after, { version: policies.version + 1 });
      await em.flush();
      return policies;
    });
  }
}

/** Who could not come in with the new policies would have no way to take them back. */
function refuseLockOut(actor: Actor, asked: PutPoliciesRequest): void {
  const refusal = actor.role === PLATFORM_ADMIN ? null : refusalByPolicies(asked, actor);
  if (refusal)
    throw problem('policy_locks_you_out', {
      detail: `This request, from ${actor.ip ?? 'nowhere'}, would be refused: ${refusal.title}`,
    });
}

/** Locks the row, and makes it first where there is none: of two writers at once the second sees what the first wrote. */
async function holdPolicies(em: EntityManager, organizationId: string): Promise<OrganizationPolicies> {
  await em.execute(
    'insert into organization_policies (organization_id, updated_at) values (?, now()) on conflict do nothing',
    [organizationId],
  );
  return em.findOneOrFail(
    OrganizationPolicies,
    { organization: organizationId },
    { lockMode: LockMode.PESSIMISTIC_WRITE },
  );
}

/** Ranges in their one spelling, each once. */
function readRanges(texts: readonly string[]): string[] {
  const errors: FieldError[] = [];
  const ranges = new Set<string>();
  for (const [index, text] of texts.entries()) {
    const read = readRange(text);
    const field = `ipAllowList.${index}`;
    if ('fault' in read) errors.push({ field, code: 'range_invalid', message: `${field} ${read.fault}` });
    else ranges.add(read.range);
  }
  if (errors.length > 0) throw problem('validation_failed', { errors });
  return [...ranges];
}
