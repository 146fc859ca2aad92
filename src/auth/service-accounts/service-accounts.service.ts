import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { AuditData } from '../../audit/audit-entry.entity.js';
import { AuditService } from '../../audit/audit.service.js';
import type { Actor } from '../../kernel/actor.js';
import { newId } from '../../kernel/ids.js';
import type { PageQuery } from '../../kernel/lists.js';
import { invalidField, problem } from '../../kernel/problem.js';
import { holdRole, mayGrant } from '../../organizations/roles/granting.js';
import { RoleUses } from '../../organizations/roles/role-uses.js';
import { KeyRevocations } from '../api-keys/key-revocations.js';
import { KnownKeys } from '../api-keys/known-keys.js';
import { holdServiceAccount } from './hold-service-account.js';
import { ServiceAccount } from './service-account.entity.js';
import type { CreateServiceAccountRequest, UpdateServiceAccountRequest } from './service-accounts.dto.js';

const FIELDS = ['name', 'description', 'role'] as const;

/** Who acts in an organization by API keys and is no person. */
@Injectable()
export class ServiceAccountsService implements OnModuleInit {
  constructor(
    private readonly em: EntityManager,
    private readonly known: KnownKeys,
    private readonly revocations: KeyRevocations,
    private readonly roleUses: RoleUses,
    private readonly audit: AuditService,
  ) {}

  onModuleInit(): void {
    this.roleUses.register(
      async (em, organization, role) => (await em.count(ServiceAccount, { organization, role })) > 0,
    );
  }

  /** Accounts by name, and how many there are. */
  async list(actor: Actor, { page, perPage }: PageQuery): Promise<[ServiceAccount[], number]> {
    return this.em.findAndCount(
      ServiceAccount,
      { organization: actor.requiredOrganizationId },
      { orderBy: { name: 'asc', id: 'asc' }, limit: perPage, offset: (page - 1) * perPage },
    );
  }

  /** One account. @throws Problem `not_found`. */
  async get(actor: Actor, id: string): Promise<ServiceAccount> {
    return this.em.findOneOrFail(
      ServiceAccount,
      { organization: actor.requiredOrganizationId, id },
      { failHandler: () => problem('not_found') },
    );
  }

  /**
   * Makes an account.
   * @throws Problem `permission_denied` for a role with more than the caller holds; `validation_failed` for a role that
   * does not exist.
   */
  async create(actor: Actor, { name, description = null, role }: CreateServiceAccountRequest): Promise<ServiceAccount> {
    return this.em.transactional(async (em) => {
      await grant(em, actor, role);
      const account = em.create(ServiceAccount, {
        organization: actor.requiredOrganizationId,
        id: newId(),
        name,
        description,
        role,
        version: 1,
        createdBy: actor.requiredUserId,
        createdAt: new Date(),
        updatedAt: new Date(),
      });
      this.record(actor, 'service_account.created', account.id, { after: { name, description, role } });
      await em.flush();
      return account;
    });
  }

  /**
   * Changes an account; its keys have another role within a second. What is left out stays, null clears.
   * @param version that the caller read; null changes whatever it is by now.
   * @throws Problem `permission_denied` where the account holds, or would hold, more than the caller; `validation_failed`
   * for a role that does not exist; `not_found`; `precondition_failed`.
   */
  async update(
    actor: Actor,
    id: string,
    changes: UpdateServiceAccountRequest,
    version: number | null,
  ): Promise<ServiceAccount> {
    const account = await this.em.transactional(async (em) => {
      const account = await holdServiceAccount(em, actor, id);
      if (version !== null && version !== account.version) throw problem('precondition_failed');
      const fields = FIELDS.filter(
        (field) => changes[field] !== undefined && changes[field] !== (account[field] ?? null),
      );
      if (fields.length === 0) return account;
      if (changes.role !== undefined) await grant(em, actor, changes.role);
      this.record(actor, 'service_account.updated', account.id, {
        before: Object.fromEntries(fields.map((field) => [field, account[field] ?? null])),
        after: Object.fromEntries(fields.map((field) => [field, changes[field]])),
      });
      for (const field of fields) Object.assign(account, { [field]: changes[field] });
      account.version += 1;
      await em.flush();
      if (fields.includes('role')) await this.known.announce(em, account.id);
      return account;
    });
    this.known.changed([account.id]);
    return account;
  }

  /** Removes an account and its keys. @throws Problem `permission_denied` where it holds more than the caller; `not_found`. */
  async delete(actor: Actor, id: string): Promise<void> {
    const removed = await this.em.transactional(async (em) => {
      const account = await holdServiceAccount(em, actor, id);
      const { name, description = null, role } = account;
      await this.revocations.endOfAccount(em, actor, account.id);
      this.record(actor, 'service_account.deleted', account.id, { before: { name, description, role } });
      await em.remove(account).flush();
      return account.id;
    });
    this.known.changed([removed]);
  }

  private record(actor: Actor, action: string, id: string, change: { before?: AuditData; after?: AuditData }): void {
    this.audit.record(actor, action, { userId: null, target: { type: 'service_account', id }, ...change });
  }
}

/** Holds a role that the caller may give. */
async function grant(em: EntityManager, actor: Actor, role: string): Promise<void> {
  const granted = await holdRole(em, actor.requiredOrganizationId, role);
  if (!granted) throw invalidField('role', 'role_unknown', 'The organization has no such role');
  if (!mayGrant(actor, role, granted))
    throw problem('permission_denied', { detail: 'The role has more than you hold' });
}
