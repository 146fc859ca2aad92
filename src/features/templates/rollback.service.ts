import { EntityManager, LockMode } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { valueErrors } from '../definitions/definition-faults.js';
import { readFeatures } from '../definitions/definitions.queries.js';
import { FeatureChanges, holdFeatures } from '../feature-changes.js';
import { OrganizationFeatures } from '../snapshots/organization-features.js';
import type { RollBackApplicationRequest } from './applications.dto.js';
import { changedSince, holdChanged, isTooLate, noteKept, putBack, valuesBefore } from './rollback.queries.js';
import { type KeptOverrides, TemplateApplicationLog } from './template-application.entity.js';

/** Put back by one statement. */
const ORGANIZATIONS_AT_ONCE = 200;
/** Named, of what was changed since; the list of the application's organizations has all. */
const NAMED = 20;

/** Takes applications of templates back. */
@Injectable()
export class RollbackService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly organizations: OrganizationFeatures,
    private readonly changes: FeatureChanges,
  ) {}

  /**
   * Puts back what every organization had before an application, all in one transaction.
   * @returns the key of its template.
   * @throws Problem `not_found`; `template_rollback_expired` after 90 days; `conflict` when it was not applied or was taken
   * back, when somebody changed some of its overrides since and these are not to be kept, or what was there fits its
   * feature no more.
   */
  async rollBack(
    actor: Actor,
    id: string,
    { reason, keepChanged = false }: RollBackApplicationRequest,
  ): Promise<string> {
    const { key, changed } = await this.changes.beside(`rollback ${id}`, () =>
      asSystem(this.em, async (em) => {
        const log = await em.findOneOrFail(
          TemplateApplicationLog,
          { id },
          { failHandler: () => problem('not_found'), lockMode: LockMode.PESSIMISTIC_WRITE },
        );
        const { status, templateKey, environmentKey = null } = log;
        if (status !== 'completed')
          throw problem('conflict', { detail: `The application is ${status.replace('_', ' ')}, and not completed` });
        if (await isTooLate(em, id)) throw problem('template_rollback_expired');
        const ids = await holdChanged(em, id);
        await holdFeatures(em);
        const kept = await changedSince(em, id, NAMED);
        if (kept.total > 0 && !keepChanged) throw problem('conflict', { detail: whatChanged(kept) });
        await noteKept(em, id);
        await refuseMisfits(em, id);
        const overrides = await this.putBack(em, actor, ids, id, `Rollback of template ${templateKey}: ${reason}`);
        Object.assign(log, {
          status: 'rolled_back',
          rolledBackBy: actor.userId,
          rolledBackAt: new Date(),
          rollbackReason: reason,
          rollbackKept: kept,
        });
        this.audit.record(actor, 'template.rolled_back', {
          target: { type: 'template', id: templateKey },
          before: { application: id, organizations: ids.length, overrides, environment: environmentKey },
          ...(kept.total > 0 && { after: { kept: kept.total } }),
          reason,
        });
        await em.flush();
        return { key: templateKey, changed: ids };
      }),
    );
    this.organizations.changed(changed);
    return key;
  }

  private async putBack(em: EntityManager, actor: Actor, ids: readonly string[], id: string, reason: string) {
    const facts = { userId: null, target: { type: 'feature', id: '' }, reason };
    const entryOf = (action: string): string => this.audit.entryForMany(actor, action, facts);
    const entries = { overridden: entryOf('feature.overridden'), removed: entryOf('feature.override_removed') };
    let overrides = 0;
    for (let start = 0; start < ids.length; start += ORGANIZATIONS_AT_ONCE) {
      const part = ids.slice(start, start + ORGANIZATIONS_AT_ONCE);
      overrides += await putBack(em, id, part, entries);
      await this.organizations.announce(em, part);
    }
    return overrides;
  }
}

/** What somebody did since is not thrown away. */
function whatChanged({ total, first }: KeptOverrides): string {
  const names = first.map(({ organizationId, feature }) => `${feature} of organization ${organizationId}`);
  if (total > names.length) names.push(`${total - names.length} more`);
  const changed = total === 1 ? '1 override was changed since' : `${total} overrides were changed since`;
  return `${changed}: ${names.join(', ')}; nothing was rolled back`;
}

/** A schema that was changed since was held against what is stored, and not against this. */
async function refuseMisfits(em: EntityManager, id: string): Promise<void> {
  const before = await valuesBefore(em, id);
  const features = await readFeatures(em, [...new Set(before.map(({ feature }) => feature))]);
  const facts = new Map(features.map((one) => [one.key, one]));
  for (const { feature, value, organizationId } of before) {
    const [error] = valueErrors(facts.get(feature)!, value, feature);
    if (!error) continue;
    const detail = `What organization ${organizationId} had of ${feature} does not fit any more: ${error.message}`;
    throw problem('conflict', { detail });
  }
}
