import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import type { Actor } from '../../kernel/actor.js';
import { MemberEvents } from '../../organizations/members/member-events.js';
import { UserEvents } from '../../users/user-events.js';
import { removeApiKeys, type RemovedKey } from './api-keys.queries.js';

/** What ends keys without anybody revoking them. Who comes back, or is enabled again, finds none of the old ones. */
@Injectable()
export class KeyRevocations implements OnModuleInit {
  constructor(
    private readonly memberEvents: MemberEvents,
    private readonly userEvents: UserEvents,
    private readonly audit: AuditService,
  ) {}

  onModuleInit(): void {
    this.memberEvents.onLeaving((em, actor, { organizationId, userId }) =>
      this.end(em, actor, 'member_left', 'organization_id = ? and user_id = ?', [organizationId, userId]),
    );
    this.userEvents.onDisabled((em, actor, { id }) => this.end(em, actor, 'user_disabled', 'user_id = ?', [id]));
  }

  /** Ends the keys of a service account that is about to be removed. */
  async endOfAccount(em: EntityManager, actor: Actor, id: string): Promise<void> {
    const organizationId = actor.requiredOrganizationId;
    await this.end(em, actor, 'service_account_deleted', 'organization_id = ? and service_account_id = ?', [
      organizationId,
      id,
    ]);
  }

  /** Writes into the trail that a key was revoked; why, where nobody did it by itself. */
  record(actor: Actor, key: RemovedKey, reason?: string): void {
    this.audit.record(actor, 'api_key.revoked', {
      organizationId: key.organization_id,
      userId: key.user_id,
      target: { type: 'api_key', id: key.id },
      before: toTrail(key),
      reason,
    });
  }

  private async end(em: EntityManager, actor: Actor, reason: string, where: string, values: unknown[]): Promise<void> {
    for (const key of await removeApiKeys(em, where, values)) this.record(actor, key, reason);
  }
}

/** A key as the trail keeps it. */
export function toTrail(
  key: Pick<RemovedKey, 'name' | 'hint' | 'environment_key' | 'scopes' | 'user_id' | 'service_account_id'>,
): Record<string, unknown> {
  return {
    name: key.name,
    hint: key.hint,
    environment: key.environment_key,
    scopes: key.scopes,
    ...(key.user_id === null ? { serviceAccountId: key.service_account_id } : { userId: key.user_id }),
  };
}
