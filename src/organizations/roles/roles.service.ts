import { EntityManager, LockMode, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import type { AuditData } from '../../audit/audit-entry.entity.js';
import type { Actor } from '../../kernel/actor.js';
import type { PageQuery } from '../../kernel/lists.js';
import { BASE_ROLES, isBaseRole, isPermission } from '../../kernel/permissions.js';
import { problem } from '../../kernel/problem.js';
import { OrganizationAccess } from '../access/organization-access.js';
import { CustomRole } from './custom-role.entity.js';
import { denyBeyond, mayGrant } from './granting.js';
import { RoleUses } from './role-uses.js';
import type { CreateRoleRequest, UpdateRoleRequest } from './roles.dto.js';
import { exceedsPlan, isRoleInUse } from './roles.queries.js';
import { type RoleView, toBaseRoleView, toRoleView } from './roles.view.js';

/** The roles of an organization: four that all have, and those that it made for itself. */
@Injectable()
export class RolesService {
  constructor(
    private readonly em: EntityManager,
    private readonly access: OrganizationAccess,
    private readonly audit: AuditService,
    private readonly uses: RoleUses,
  ) {}

  /** Roles, and how many there are: first those that every organization has, then its own by key. */
  async list(actor: Actor, { page, perPage }: PageQuery): Promise<[RoleView[], number]> {
    const offset = (page - 1) * perPage;
    const builtIn = BASE_ROLES.slice(offset, offset + perPage).map(toBaseRoleView);
    const [custom, count] = await this.em.findAndCount(
      CustomRole,
      { organization: actor.requiredOrganizationId },
      {
        orderBy: { key: 'asc' },
        offset: Math.max(0, offset - BASE_ROLES.length),
        limit: perPage - builtIn.length,
      },
    );
    return [[...builtIn, ...custom.map(toRoleView)], BASE_ROLES.length + count];
  }

  /** One role. @throws Problem `not_found`. */
  async get(actor: Actor, key: string): Promise<RoleView> {
    return isBaseRole(key) ? toBaseRoleView(key) : toRoleView(await this.find(this.em, actor, key));
  }

  /**
   * Makes a role.
   * @throws Problem `permission_denied` for more than the caller holds; `role_key_taken`; `plan_limit_reached`.
   */
  async create(actor: Actor, { key, name, description = null, permissions }: CreateRoleRequest): Promise<RoleView> {
    denyBeyond(actor, permissions);
    const organizationId = actor.requiredOrganizationId;
    return this.access.change(organizationId, async (em) => {
      const role = em.create(CustomRole, {
        organization: organizationId,
        key,
        name,
        description,
        permissions,
        version: 1,
        createdAt: new Date(),
        updatedAt: new Date(),
      });
      this.record(actor, 'role.created', key, { after: { name, description, permissions } });
      await em.flush().catch((error: unknown) => {
        throw error instanceof UniqueConstraintViolationException ? problem('role_key_taken', { cause: error }) : error;
      });
      if (await exceedsPlan(em, organizationId)) throw problem('plan_limit_reached');
      return toRoleView(role);
    });
  }

  /**
   * Changes a role, and with it at once what everybody who has it may do. What is left out stays, null clears.
   * @param version that the caller read; null changes whatever it is by now.
   * @throws Problem `permission_denied` for a role that all organizations have, for the caller's own, and where it holds
   * or would hold more than the caller; `not_found`; `precondition_failed`.
   */
  async update(actor: Actor, key: string, changes: UpdateRoleRequest, version: number | null): Promise<RoleView> {
    return this.access.change(actor.requiredOrganizationId, async (em) => {
      const role = await this.hold(em, actor, key);
      if (role.key === actor.role) throw problem('permission_denied', { detail: 'Nobody changes their own role' });
      denyBeyond(actor, changes.permissions ?? []);
      if (version !== null && version !== role.version) throw problem('precondition_failed');
      const before = { name: role.name, description: role.description ?? null, permissions: role.permissions };
      const fields = (['name', 'description', 'permissions'] as const).filter(
        (field) => changes[field] !== undefined && !isSame(changes[field], before[field]),
      );
      if (fields.length === 0) return toRoleView(role);
      this.record(actor, 'role.updated', key, {
        before: Object.fromEntries(fields.map((field) => [field, before[field]])),
        after: Object.fromEntries(fields.map((field) => [field, changes[field]])),
      });
      for (const field of fields) Object.assign(role, { [field]: changes[field] });
      role.version += 1;
      await em.flush();
      return toRoleView(role);
    });
  }

  /**
   * Removes a role that nobody has.
   * @throws Problem `permission_denied` as for changing it; `not_found`; `role_in_use` when members, open
   * invitations or somebody above this room have it.
   */
  async delete(actor: Actor, key: string): Promise<void> {
    await this.access.change(actor.requiredOrganizationId, async (em) => {
      const { name, description = null, permissions } = await this.hold(em, actor, key);
      // Looked at while the role is locked: whoever gives it to somebody holds it meanwhile.
      const { requiredOrganizationId: organizationId } = actor;
      if ((await isRoleInUse(em, organizationId, key)) || (await this.uses.isUsed(em, organizationId, key)))
        throw problem('role_in_use');
      await em.nativeDelete(CustomRole, { organization: actor.requiredOrganizationId, key });
      this.record(actor, 'role.deleted', key, { before: { name, description, permissions } });
    });
  }

  /** A role that the caller may change, locked until the transaction ends. */
  private async hold(em: EntityManager, actor: Actor, key: string): Promise<CustomRole> {
    if (isBaseRole(key)) throw problem('permission_denied', { detail: 'This role is the same in every organization' });
    const role = await this.find(em, actor, key, LockMode.PESSIMISTIC_WRITE);
    if (!mayGrant(actor, key, new Set(role.permissions.filter(isPermission))))
      throw problem('permission_denied', { detail: 'The role has more than you hold' });
    return role;
  }

  private find(em: EntityManager, actor: Actor, key: string, lockMode?: LockMode): Promise<CustomRole> {
    return em.findOneOrFail(
      CustomRole,
      { organization: actor.requiredOrganizationId, key },
      { lockMode, failHandler: () => problem('not_found') },
    );
  }

  private record(actor: Actor, action: string, key: string, change: { before?: AuditData; after?: AuditData }): void {
    this.audit.record(actor, action, { userId: null, target: { type: 'role', id: key }, ...change });
  }
}

/** Whether two values of a field are the same; permissions in any order. */
function isSame(one: string | readonly string[] | null | undefined, other: string | readonly string[] | null): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other;
  return one.length === other.length && one.every((permission) => other.includes(permission));
}
