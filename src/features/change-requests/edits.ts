import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Actor } from '../../kernel/actor.js';
import type { OpenChange } from '../change-log/change-entry.js';
import { Restore } from '../change-log/restore.js';
import { ChangePoliciesService } from '../change-policies/change-policies.service.js';
import { ConfigurationsService } from '../configurations/configurations.service.js';
import { DefinitionsService } from '../definitions/definitions.service.js';
import { FeatureChanges, type FeatureWriter } from '../feature-changes.js';
import { SegmentsService } from '../segments/segments.service.js';
import type { AnyEdit } from './edits.dto.js';

/** An edit as it is stored: what the request said, in JSON. */
export type StoredEdit = AnyEdit;

/** Makes edits by the services, and so under the checks, by which an admin would make them one by one. */
@Injectable()
export class Edits {
  constructor(
    private readonly changes: FeatureChanges,
    private readonly definitions: DefinitionsService,
    private readonly configurations: ConfigurationsService,
    private readonly segments: SegmentsService,
    private readonly policies: ChangePoliciesService,
    private readonly restore: Restore,
  ) {}

  /** Makes edits in their order, as part of an open change. @throws Problem whatever one of them is refused with. */
  async make(em: EntityManager, change: OpenChange, actor: Actor, edits: readonly AnyEdit[]): Promise<void> {
    const writer = this.changes.within(em, change);
    for (const edit of edits) await this.one(em, actor, edit, writer);
  }

  private async one(em: EntityManager, actor: Actor, edit: AnyEdit, writer: FeatureWriter): Promise<unknown> {
    switch (edit.type) {
      case 'feature.create':
        return this.definitions.create(actor, edit.feature, writer);
      case 'feature.update':
        return this.definitions.update(actor, edit.key, edit.feature, null, writer);
      case 'feature.delete':
        return this.definitions.remove(actor, edit.key, null, null, writer);
      case 'feature.configure':
        return this.configurations.put(actor, edit.key, edit.environment, edit.configuration, null, writer);
      case 'segment.create':
        return this.segments.create(actor, edit.segment, writer);
      case 'segment.update':
        return this.segments.update(actor, edit.key, edit.segment, null, writer);
      case 'segment.delete':
        return this.segments.remove(actor, edit.key, null, null, writer);
      case 'policy.put':
        return this.policies.put(actor, edit.environment, edit.policy, null, writer);
      case 'change.rollback':
        return this.restore.change(em, actor, edit.id, edit.to, writer);
    }
  }
}
