import { EntityManager, LockMode } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import type { Actor } from '../../kernel/actor.js';
import { isJsonObject, type JsonObject } from '../../kernel/json.js';
import { invalidField, problem } from '../../kernel/problem.js';
import { Organization } from '../organization.entity.js';
import { mergePatch, patchBetween } from './merge-patch.js';
import { checkSettings } from './settings.validation.js';

@Injectable()
export class SettingsService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
  ) {}

  /** The settings of the caller's tenant, with their version. */
  async get(actor: Actor): Promise<Organization> {
    return find(this.em, actor);
  }

  /**
   * Merges a patch into the settings. The row is held meanwhile: of two patches at once none is lost.
   * @param version that the caller read; null: whatever it is by now.
   * @throws Problem `validation_failed`; `precondition_failed` when the version is another one.
   */
  async update(actor: Actor, patch: unknown, version: number | null): Promise<Organization> {
    if (!isJsonObject(patch)) throw invalidField('settings', 'is_object', 'The settings have to be a JSON object');
    return this.em.transactional(async (em) => {
      const organization = await find(em, actor, LockMode.PESSIMISTIC_WRITE);
      if (version !== null && version !== organization.settingsVersion) throw problem('precondition_failed');
      const before = organization.settings as JsonObject;
      const after = mergePatch(before, patch);
      checkSettings(after);
      const changes = patchBetween(before, after);
      if (Object.keys(changes).length === 0) return organization;
      organization.settings = after;
      organization.settingsVersion += 1;
      this.audit.record(actor, 'organization.settings_updated', {
        target: { type: 'organization', id: organization.id },
        // Each a patch that leads to the other.
        before: patchBetween(after, before),
        after: changes,
      });
      return organization;
    });
  }
}

async function find(em: EntityManager, actor: Actor, lockMode?: LockMode): Promise<Organization> {
  return em.findOneOrFail(
    Organization,
    { id: actor.requiredOrganizationId },
    { populate: ['settings'], lockMode, failHandler: () => problem('not_found') },
  );
}
