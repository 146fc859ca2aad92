import { isDeepStrictEqual } from 'node:util';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { ChangeEntry } from '../change-log/change-entry.js';
import { FeatureChangePolicy, GATED_KINDS, type GatedKind } from './feature-change-policy.entity.js';

/** What changes of features in an environment need. */
export interface ChangePolicy {
  environment: string;
  /** People who have to agree, besides whoever asks. */
  approvals: number;
  /** Who may; nobody named: every platform admin. */
  approvers: string[];
  /** What has to be approved. */
  kinds: GatedKind[];
  /** Whether every change has to say why. */
  reasonRequired: boolean;
  /** 0: none was set. */
  version: number;
}

/** What a change is, as far as policies ask. */
export type Gated = Pick<ChangeEntry, 'kind' | 'environment' | 'before' | 'after' | 'derived'>;

/** What is asked where nobody has set a policy: nothing. */
export function noPolicy(environment: string): ChangePolicy {
  return { environment, approvals: 0, approvers: [], kinds: [...GATED_KINDS], reasonRequired: false, version: 0 };
}

/** The policies that ask for something. */
export async function readPolicies(em: EntityManager): Promise<ChangePolicy[]> {
  const asking = { $or: [{ approvals: { $gt: 0 } }, { reasonRequired: true }] };
  return (await em.find(FeatureChangePolicy, asking, { orderBy: { environment: 'asc' } })).map(toPolicy);
}

export function toPolicy(row: FeatureChangePolicy): ChangePolicy {
  const { approvals, approverIds: approvers, kinds, reasonRequired, version } = row;
  return { environment: row.environment.key, approvals, approvers, kinds, reasonRequired, version };
}

/**
 * The policies that ask for something before a change is made. A feature or a segment is the same in every environment:
 * the policies of all count. What only follows from another change waits for nobody, and neither does what switches a
 * feature off: of that only a reason is asked.
 */
export function policiesFor(change: Gated, policies: readonly ChangePolicy[]): ChangePolicy[] {
  if (change.derived || isOfDraft(change)) return [];
  // Whoever may loosen a policy alone is not bound by it: it counts as it was.
  if (change.kind === 'policy') return change.before === null ? [] : [change.before as unknown as ChangePolicy];
  const { kind, environment } = change;
  // A feature goes with what it is everywhere: made again, it would be on where it was switched off.
  const asked: GatedKind[] = kind === 'feature' && change.after === null ? ['feature', 'configuration'] : [kind];
  const asking = policies.filter(
    (policy) =>
      asked.some((one) => policy.kinds.includes(one)) &&
      (environment === undefined || policy.environment === environment),
  );
  return isKillSwitch(change) ? asking.map((policy) => ({ ...policy, approvals: 0 })) : asking;
}

/** What is asked of a change that has these entries, by environment; policies that ask for nothing are left out. */
export function policiesAsking(entries: readonly Gated[], policies: readonly ChangePolicy[]): ChangePolicy[] {
  const asked = entries.flatMap((entry) => policiesFor(entry, policies));
  return [...Map.groupBy(asked, ({ environment }) => environment).values()].map((ofOne) => ({
    ...ofOne[0]!,
    // Of what is a kill switch and more, the more decides.
    approvals: Math.max(...ofOne.map(({ approvals }) => approvals)),
  }));
}

/** Whether a change switches a feature off in an environment, and does nothing else. */
export function isKillSwitch({ kind, before, after }: Gated): boolean {
  if (kind !== 'configuration' || after === null || after.enabled !== false) return false;
  const { enabled, ...was } = before ?? { enabled: true, rules: [], rollout: null };
  const { enabled: _, ...is } = after;
  return enabled === true && isDeepStrictEqual(was, is);
}

/**
 * A draft is not evaluated; making it active is a change like any other. What it is in environments is none of it: that
 * comes to people with the draft, and whoever approves the draft is shown only the feature.
 */
function isOfDraft({ kind, before, after }: Gated): boolean {
  return kind === 'feature' && [before, after].every((state) => state === null || state.lifecycle === 'draft');
}
