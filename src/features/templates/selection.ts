import type { EntityManager } from '@mikro-orm/postgresql';
import { invalidField } from '../../kernel/problem.js';
import type { ApplicationScope } from './template-application.entity.js';

/** Organizations that one application can be for. */
export const MOST_ORGANIZATIONS = 10_000;

/** To which organizations a template is applied. */
export interface Selection {
  scope: ApplicationScope;
  planKey: string | null;
  organizationIds: string[] | null;
}

/** What somebody says of it: one of the three. */
export interface SelectionRequest {
  organizationIds?: string[];
  plan?: string;
  all?: true;
}

/** @throws Problem `validation_failed` for more or less than one of the three. */
export function readSelection({ organizationIds, plan, all }: SelectionRequest): Selection {
  if ([organizationIds, plan, all].filter((one) => one !== undefined).length !== 1)
    throw invalidField('organizationIds', 'one_selection', 'Name one of organizationIds, plan and all');
  if (organizationIds) return { scope: 'organizations', planKey: null, organizationIds: organizationIds.toSorted() };
  return { scope: all ? 'all' : 'plan', planKey: plan ?? null, organizationIds: null };
}

/**
 * The ids of the active organizations that are meant, in their order. All: those on a target plan, where there are any.
 * @param em of a system transaction.
 * @param hold locks them, in that order, as a change of their plan or of one override does: none waits for another in a ring.
 * @throws Problem `validation_failed` for a plan or an organization that is not there, too many, or nobody at all.
 */
export async function selectOrganizations(
  em: EntityManager,
  { scope, planKey, organizationIds }: Selection,
  targetPlans: readonly string[],
  { hold = false } = {},
): Promise<string[]> {
  const [condition, values] = ((): [string, string[]] => {
    if (scope === 'plan') return ['plan_key = ?', [planKey!]];
    if (scope === 'organizations')
      return ['id in (select jsonb_array_elements_text(?::jsonb)::uuid)', [JSON.stringify(organizationIds)]];
    return targetPlans.length === 0
      ? ['true', []]
      : ['plan_key in (select jsonb_array_elements_text(?::jsonb))', [JSON.stringify(targetPlans)]];
  })();
  const rows = await em.execute<{ id: string }[]>(
    `select id from organizations where status = 'active' and ${condition}
      order by id limit ${MOST_ORGANIZATIONS + 1} ${hold ? 'for no key update' : ''}`,
    values,
  );
  const ids = rows.map(({ id }) => id);
  if (scope === 'plan' && ids.length === 0) await refuseUnknownPlan(em, planKey!);
  if (ids.length > MOST_ORGANIZATIONS)
    throw invalidField(scope, 'too_many_organizations', `There may be ${MOST_ORGANIZATIONS} organizations at once`);
  if (organizationIds && ids.length < organizationIds.length) {
    const found = new Set(ids);
    const missing = organizationIds.find((id) => !found.has(id.toLowerCase()));
    throw invalidField('organizationIds', 'organization_unknown', `There is no active organization ${missing}`);
  }
  if (ids.length === 0) throw invalidField(scope, 'no_organization', nobody(planKey, targetPlans));
  return ids;
}

function nobody(plan: string | null, targetPlans: readonly string[]): string {
  if (plan !== null) return `No active organization is on the plan ${plan}`;
  return targetPlans.length === 0
    ? 'There is no active organization'
    : `No active organization is on a plan that the template is for: ${targetPlans.join(', ')}`;
}

async function refuseUnknownPlan(em: EntityManager, key: string): Promise<void> {
  const found = await em.execute<object[]>('select from plans where key = ?', [key]);
  if (found.length === 0) throw invalidField('plan', 'plan_unknown', `There is no plan "${key}"`);
}
