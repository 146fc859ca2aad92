import { EntityManager, IsolationLevel, LockMode } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import type { ExpiringCount } from '../../database/expiring-type.js';
import type { RetainedType } from '../../database/retained-rows.js';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { RETAINED_TYPES } from '../expiring-types.js';
import type { CleanupPolicyRequest } from './cleanup-policy.dto.js';
import { CleanupPolicy } from './cleanup-policy.entity.js';
import { checkKeptDays, keptDaysOf } from './kept-days.js';

/** How long an organization has its data kept, as it is stored. */
export type StoredPolicy = Pick<CleanupPolicy, 'keptDays' | 'version'>;
/** Of an organization that never said; what a new row holds. */
const NOTHING_CHOSEN: StoredPolicy = { keptDays: {}, version: 1 };

/** What a sweep would remove of a type, now, while rows are kept so long. */
export interface SweepOf extends ExpiringCount {
  keptDays: number;
}

/** What a sweep would remove of a type by the policy of now, and by another one. */
export interface TypePreview {
  type: RetainedType;
  current: SweepOf;
  asked: SweepOf;
}

/** How long the data of an organization is kept, within the bounds of the platform. */
@Injectable()
export class CleanupPolicyService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
  ) {}

  /** The policy of the caller's tenant. */
  async get(actor: Actor): Promise<StoredPolicy> {
    return (await this.em.findOne(CleanupPolicy, { organization: actor.requiredOrganizationId })) ?? NOTHING_CHOSEN;
  }

  /**
   * Replaces the policy of the caller's tenant. The next batch of a sweep obeys it.
   * @param version that the caller read; null for any.
   * @throws Problem `validation_failed`; `precondition_failed`.
   */
  async put(actor: Actor, { keptDays }: CleanupPolicyRequest, version: number | null): Promise<StoredPolicy> {
    checkKeptDays(keptDays);
    const organizationId = actor.requiredOrganizationId;
    return this.em.transactional(async (em) => {
      const policy = await holdPolicy(em, organizationId);
      if (version !== null && policy.version !== version) throw problem('precondition_failed');
      const types = new Set([...Object.keys(policy.keptDays), ...Object.keys(keptDays)]);
      const changed = [...types].filter((type) => policy.keptDays[type] !== keptDays[type]);
      if (changed.length === 0) return policy;
      this.audit.record(actor, 'organization.cleanup_policy_updated', {
        target: { type: 'organization', id: organizationId },
        before: Object.fromEntries(changed.map((type) => [type, policy.keptDays[type] ?? null])),
        after: Object.fromEntries(changed.map((type) => [type, keptDays[type] ?? null])),
      });
      Object.assign(policy, { keptDays, version: policy.version + 1 });
      await em.flush();
      return policy;
    });
  }

  /**
   * Counts what the next sweep removes of the caller's tenant, as things are and with the policy that is asked for, at one
   * moment. Changes nothing.
   * @throws Problem `validation_failed`.
   */
  async preview(actor: Actor, { keptDays }: CleanupPolicyRequest): Promise<TypePreview[]> {
    checkKeptDays(keptDays);
    return this.em.transactional(
      async (em) => {
        const { keptDays: chosen } = await this.get(actor);
        const previews: TypePreview[] = [];
        for (const type of RETAINED_TYPES)
          previews.push({
            type,
            current: { keptDays: keptDaysOf(type, chosen), ...(await type.count(em)) },
            asked: { keptDays: keptDaysOf(type, keptDays), ...(await type.count(em, keptDays)) },
          });
        return previews;
      },
      { isolationLevel: IsolationLevel.REPEATABLE_READ, readOnly: true },
    );
  }
}

/** Locks the row, and makes it first where there is none: of two writers at once the second sees what the first wrote. */
async function holdPolicy(em: EntityManager, organizationId: string): Promise<CleanupPolicy> {
  await em.execute(
    'insert into cleanup_policies (organization_id, updated_at) values (?, now()) on conflict do nothing',
    [organizationId],
  );
  return em.findOneOrFail(CleanupPolicy, { organization: organizationId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}
