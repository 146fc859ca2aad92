import { isDeepStrictEqual } from 'node:util';
import { type CompiledEnvironment, dependsOnContext, evaluate, explain, type Subject } from '../evaluator/index.js';
import { usageOf } from '../metering/metering.view.js';
import { toEvaluatedOrganization } from '../snapshots/organization-features.js';
import type { StoredEntitlement, StoredEntitlements, StoredOverride } from './entitlements.queries.js';
import type { EntitlementView, OverrideView } from './entitlements.view.js';

type Facts = Omit<StoredEntitlement, 'schema' | 'used' | 'resetsAt'>;

/** The organization itself, without anybody of it: what features are evaluated for here. */
export function subjectOfOrganization(organizationId: string, stored: StoredEntitlements): Subject {
  return { attributes: {}, organization: toEvaluatedOrganization(organizationId, stored), now: stored.now };
}

/** Evaluates features for an organization; those that are not evaluated in this snapshot (any more) are left out. */
export function toEntitlementViews(
  organizationId: string,
  stored: StoredEntitlements,
  environmentKey: string,
  environment: CompiledEnvironment,
): EntitlementView[] {
  const subject = subjectOfOrganization(organizationId, stored);
  return stored.features.flatMap((feature) => toView(feature, stored.overrides, environmentKey, environment, subject));
}

function toView(
  { used, resetsAt, ...feature }: StoredEntitlement,
  overrides: readonly StoredOverride[],
  environmentKey: string,
  environment: CompiledEnvironment,
  subject: Subject,
): EntitlementView[] {
  const decision = evaluate(environment, feature.key, subject);
  if (!decision) return [];
  const { value, variant, reason, details } = decision;
  const override = overrideIn(overrides, feature.key, environmentKey);
  return [
    {
      ...factsOf(feature),
      environment: environmentKey,
      overrideValue: override?.value ?? null,
      override: override ? toOverrideView(override) : null,
      value,
      variant,
      reason,
      details,
      explanation: explain(decision, feature),
      dependsOnContext: dependsOnContext(environment, feature.key, subject),
      usage: feature.metering && usageOf({ used, resetsAt }, value),
    },
  ];
}

function factsOf({
  key,
  name,
  description,
  type,
  category,
  lifecycle,
  defaultValue,
  planValue,
  metering,
}: Facts): Facts {
  return { key, name, description, type, category, lifecycle, defaultValue, planValue, metering };
}

/** The override that counts for a feature in an environment: its own stands before the one for everywhere. */
function overrideIn(
  overrides: readonly StoredOverride[],
  key: string,
  environment: string,
): StoredOverride | undefined {
  const ofFeature = overrides.filter(({ feature }) => feature === key);
  return (
    ofFeature.find((override) => override.environment === environment) ??
    ofFeature.find((override) => override.environment === null)
  );
}

function toOverrideView({ value, reason, expiresAt, environment, setBy, setAt }: StoredOverride): OverrideView {
  return {
    value,
    reason,
    expiresAt: expiresAt && new Date(expiresAt).toISOString(),
    environment,
    setBy,
    setAt: new Date(setAt).toISOString(),
  };
}

/** Whether two overrides say the same; who set them and when aside. */
export function isSameOverride(
  one: StoredOverride | undefined,
  other: Omit<StoredOverride, 'setBy' | 'setAt'>,
): boolean {
  return (
    one !== undefined &&
    one.reason === other.reason &&
    isDeepStrictEqual(one.value, other.value) &&
    (one.expiresAt && Date.parse(one.expiresAt)) === (other.expiresAt && Date.parse(other.expiresAt))
  );
}
