import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import type { AuditData } from '../../audit/audit-entry.entity.js';
import type { Actor } from '../../kernel/actor.js';
import { newId } from '../../kernel/ids.js';
import { readInstant } from '../../kernel/instant.js';
import { invalidField, problem } from '../../kernel/problem.js';
import { valueErrors } from '../definitions/definition-faults.js';
import {
  DEFAULT_ENVIRONMENT,
  environmentFor,
  refuseUnknown,
  shownEnvironment,
} from '../evaluation/evaluation.service.js';
import { FeatureChanges, holdFeatures } from '../feature-changes.js';
import { FeatureSnapshots } from '../snapshots/feature-snapshots.js';
import { OrganizationFeatures } from '../snapshots/organization-features.js';
import { inOrder, type Snapshot } from '../snapshots/snapshot.js';
import type { PutOverrideRequest } from './entitlements.dto.js';
import { isSameOverride, subjectOfOrganization } from './entitlements.js';
import {
  readEntitlements,
  type StoredEntitlement,
  type StoredEntitlements,
  type StoredOverride,
} from './entitlements.queries.js';
import { EntitlementsService } from './entitlements.service.js';
import type { EntitlementView } from './entitlements.view.js';
import { refusalOf } from './override-checks.js';
import { OrganizationFeatureSetting } from './organization-feature-setting.entity.js';
import { environmentExists, holdOrganization, removeOverride } from './overrides.queries.js';

/** An override as somebody wishes it. */
type Wanted = Omit<StoredOverride, 'setBy' | 'setAt'>;

/** What organizations are given of features apart from their plans. */
@Injectable()
export class OverridesService {
  constructor(
    private readonly changes: FeatureChanges,
    private readonly organizations: OrganizationFeatures,
    private readonly snapshots: FeatureSnapshots,
    private readonly entitlements: EntitlementsService,
    private readonly audit: AuditService,
  ) {}

  /**
   * Sets the override of a feature, everywhere unless an environment is named. Organization and features are held while it
   * is checked, so that two which exclude each other cannot both be written.
   * @throws Problem `not_found` for a feature that is not evaluated; `validation_failed`; `plan_does_not_include`;
   * `feature_dependency_unmet`; `feature_conflict`.
   */
  async put(actor: Actor, key: string, request: PutOverrideRequest): Promise<EntitlementView> {
    const organizationId = actor.requiredOrganizationId;
    const wanted = { ...toOverride(key, request), environment: scopeOf(actor, request.environment) };
    return this.change(organizationId, async (em) => {
      await holdFeatures(em);
      // In a statement of its own: the snapshot of the one that waited is older than what it waited for.
      const stored = await readEntitlements(em, organizationId, { key, environment: DEFAULT_ENVIRONMENT });
      const feature = stored?.features[0];
      if (!stored || !feature) throw problem('not_found');
      const snapshot = await this.snapshots.at(stored.revision, em);
      check(organizationId, feature, wanted, stored, snapshot);
      await this.write(em, actor, wanted, stored.overrides.find(isOfScope(wanted)));
      const environment = wanted.environment ?? shownEnvironment(snapshot.environments);
      const [[row]] = await this.entitlements.read(em, actor, { key, environment });
      return row!;
    });
  }

  /**
   * Removes the override of a feature for an environment, or the one for everywhere. The feature may be archived.
   * @throws Problem `not_found` when there is none, or it has expired; `validation_failed` for an unknown environment.
   */
  async remove(actor: Actor, key: string, asked?: string): Promise<void> {
    const organizationId = actor.requiredOrganizationId;
    const environment = scopeOf(actor, asked);
    await this.change(organizationId, async (em) => {
      const removed = await removeOverride(em, organizationId, key, environment);
      if (!removed) {
        if (environment !== null && !(await environmentExists(em, environment))) refuseUnknown();
        throw problem('not_found');
      }
      this.record(actor, 'feature.override_removed', key, { before: toAuditData({ ...removed, environment }) });
    });
  }

  private change<T>(organizationId: string, work: (em: EntityManager) => Promise<T>): Promise<T> {
    return this.changes.beside(organizationId, () =>
      this.organizations.change(organizationId, async (em) => {
        await holdOrganization(em, organizationId);
        return work(em);
      }),
    );
  }

  private async write(em: EntityManager, actor: Actor, wanted: Wanted, live?: StoredOverride): Promise<void> {
    if (isSameOverride(live, wanted)) return;
    const { feature, environment, ...fields } = wanted;
    const values = {
      ...fields,
      expiresAt: fields.expiresAt === null ? null : new Date(fields.expiresAt),
      setBy: actor.userId ?? actor.serviceAccountId,
      updatedAt: new Date(),
    };
    const scope = { organization: actor.requiredOrganizationId, feature, environment };
    // It may have expired, and wait for its removal.
    const row = await em.findOne(OrganizationFeatureSetting, scope);
    if (row) em.assign(row, values);
    else em.create(OrganizationFeatureSetting, { ...scope, ...values, id: newId(), createdAt: values.updatedAt });
    this.record(actor, 'feature.overridden', feature, {
      ...(live && { before: toAuditData(live) }),
      after: toAuditData(wanted),
      reason: wanted.reason,
    });
    await em.flush();
  }

  private record(
    actor: Actor,
    action: string,
    key: string,
    change: { before?: AuditData; after?: AuditData; reason?: string },
  ): void {
    this.audit.record(actor, action, { userId: null, target: { type: 'feature', id: key }, ...change });
  }
}

/** null: everywhere. An API key has to do with its own environment alone. */
function scopeOf(actor: Actor, asked?: string): string | null {
  return actor.apiKey ? environmentFor(actor, asked) : (asked ?? null);
}

function toOverride(
  feature: string,
  { value, reason, expiresAt = null }: PutOverrideRequest,
): Omit<Wanted, 'environment'> {
  return { feature, value, reason, expiresAt: expiresAt && readInstant(expiresAt)!.toISOString() };
}

const isOfScope =
  ({ feature, environment }: Wanted) =>
  (override: StoredOverride): boolean =>
    override.feature === feature && override.environment === environment;

function toAuditData({ value, environment, expiresAt, reason }: Omit<Wanted, 'feature'>): AuditData {
  return { value, environment, expiresAt: expiresAt && new Date(expiresAt).toISOString(), reason };
}

/** Refuses what cannot be: in the order in which somebody would mend it. */
function check(
  organizationId: string,
  feature: StoredEntitlement,
  wanted: Wanted,
  stored: StoredEntitlements,
  snapshot: Snapshot,
): void {
  const { value, environment, expiresAt } = wanted;
  if (environment !== null && !snapshot.environments.has(environment)) refuseUnknown();
  const errors = valueErrors(feature, value, 'value');
  if (errors.length > 0) throw problem('validation_failed', { errors });
  if (expiresAt !== null && Date.parse(expiresAt) <= stored.now)
    throw invalidField('expiresAt', 'expiry_not_in_future', 'The end has to be in the future');
  const others = stored.overrides.filter((override) => !isOfScope(wanted)(override));
  const overrides = [...others, { ...wanted, setBy: null, setAt: '' }];
  const subject = subjectOfOrganization(organizationId, { ...stored, overrides });
  const refusal = refusalOf(feature, wanted, { plan: stored.plan, overrides, subject }, inOrder(snapshot));
  if (refusal) throw refusal;
}
