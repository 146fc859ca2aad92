import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Environment } from '../../environments/environment.entity.js';
import type { Actor } from '../../kernel/actor.js';
import { isJsonObject, type Json } from '../../kernel/json.js';
import { Problem, problem } from '../../kernel/problem.js';
import type { OpenChange } from '../change-log/change-entry.js';
import { Restore } from '../change-log/restore.js';
import { ChangePoliciesService } from '../change-policies/change-policies.service.js';
import { ConfigurationsService } from '../configurations/configurations.service.js';
import { DefinitionsService } from '../definitions/definitions.service.js';
import { FeatureChanges, type FeatureWriter } from '../feature-changes.js';
import { SegmentsService } from '../segments/segments.service.js';
import { ImportService } from '../transfer/import.service.js';
import type { NotCarriedOver } from '../transfer/import-source.js';
import type { AnyEdit, FeaturesImportEdit } from './edits.dto.js';

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
    private readonly imports: ImportService,
  ) {}

  /**
   * Makes edits in their order, as part of an open change.
   * @returns what imports among them do not take over, with its place in the request.
   * @throws Problem whatever one of them is refused with.
   */
  async make(
    em: EntityManager,
    change: OpenChange,
    actor: Actor,
    edits: readonly AnyEdit[],
  ): Promise<NotCarriedOver[]> {
    const writer = this.changes.within(em, change);
    const notCarriedOver: NotCarriedOver[] = [];
    for (const [at, edit] of edits.entries())
      try {
        if (edit.type === 'features.import')
          for (const { path, ...left } of await this.imports.make(em, change, actor, edit.import))
            notCarriedOver.push({ path: `changes.${at}.import.${path}`, ...left });
        else await this.one(em, actor, edit, writer);
      } catch (error) {
        throw error instanceof Problem ? await placed(em, error, edit, `changes.${at}`) : error;
      }
    return notCarriedOver;
  }

  private async one(
    em: EntityManager,
    actor: Actor,
    edit: Exclude<AnyEdit, FeaturesImportEdit>,
    writer: FeatureWriter,
  ): Promise<unknown> {
    switch (edit.type) {
      case 'feature.create':
        return this.definitions.create(actor, edit.feature, writer);
      case 'feature.update':
        return this.definitions.update(actor, edit.key, edit.feature, null, writer);
      case 'feature.delete':
        return this.definitions.remove(actor, edit.key, null, null, writer);
      case 'feature.configure':
        return this.configurations.put(actor, edit.key, edit.environment, edit.configuration, null, writer);
      case 'feature.switch':
        return this.configurations.switch(actor, edit.key, edit.environment, edit, null, writer);
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

/** A refusal of one edit with the place in the request that it is about: what an edit names is a field, and no address. */
async function placed(em: EntityManager, error: Problem, edit: AnyEdit, path: string): Promise<Problem> {
  const { code, detail, errors, cause } = error;
  if (code === 'not_found') {
    const { field, what } = await missingName(em, edit);
    const named = { field: `${path}.${field}`, code, message: `There is no ${what}` };
    return problem('validation_failed', { errors: [named], cause: error });
  }
  if (!errors) return error;
  // What is rolled back has no body in the request.
  const body = Object.entries(edit).find(([, value]) => isJsonObject(value as Json))?.[0];
  const place = body === undefined ? path : `${path}.${body}`;
  return problem(code, { detail, errors: errors.map((one) => ({ ...one, field: `${place}.${one.field}` })), cause });
}

/** Which of the names of an edit is of nothing, and what should be called so. */
async function missingName(em: EntityManager, edit: AnyEdit): Promise<{ field: string; what: string }> {
  if ('id' in edit) return { field: 'id', what: `change "${edit.id}" in the change log` };
  if ('environment' in edit && (await em.count(Environment, { key: edit.environment })) === 0)
    return { field: 'environment', what: `environment "${edit.environment}"` };
  const [kind] = edit.type.split('.');
  return { field: 'key', what: 'key' in edit ? `${kind} "${edit.key}"` : `${kind} that is called so` };
}
