import { setImmediate } from 'node:timers/promises';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../../database/tenant-context.js';
import type { Json } from '../../kernel/json.js';
import { toPage } from '../../kernel/lists.js';
import { type CompiledEnvironment, type Decision, evaluateAll, explain } from '../evaluator/index.js';
import { equal } from '../evaluator/values.js';
import { FeatureSnapshots } from '../snapshots/feature-snapshots.js';
import { readOrganizations, type StoredOrganization } from '../snapshots/organization-features.queries.js';
import type { TemplatePreviewQuery, TemplatePreviewRequest } from './applications.dto.js';
import {
  type PreparedTemplate,
  prepareTemplate,
  type Refusal,
  refusalsOf,
  subjectOf,
  withTemplate,
} from './prepared-template.js';
import type {
  OrganizationRefusalView,
  PreviewedFeatureView,
  PreviewedOrganizationView,
  PreviewedValueView,
  PreviewTotalsView,
  TemplatePreviewView,
} from './preview.view.js';
import { readSelection, selectOrganizations } from './selection.js';
import { findTemplate } from './templates.service.js';

/** Read at once. */
const PART = 50;
const MOST_REFUSALS = 20;

/** What an application of a template would do, before it is done. */
@Injectable()
export class PreviewService {
  constructor(
    private readonly em: EntityManager,
    private readonly snapshots: FeatureSnapshots,
  ) {}

  /**
   * Looks at every organization that is meant, in transactions of a few, so that nobody waits for it.
   * @param url path and query as they were asked, for links.
   * @throws Problem `not_found`; `validation_failed` as the application itself.
   */
  async preview(
    key: string,
    request: TemplatePreviewRequest,
    query: TemplatePreviewQuery,
    url: string,
  ): Promise<TemplatePreviewView> {
    const selection = readSelection(request);
    const { template, ids } = await asSystem(this.em, async (em) => {
      const stored = await findTemplate(em, key);
      return {
        template: await prepareTemplate(em, this.snapshots, key, stored, request.environment ?? null),
        ids: await selectOrganizations(em, selection, stored.targetPlans),
      };
    });
    const { environment, environments } = template;
    const judged = [...environments].filter(([name]) => environment === null || name === environment);
    const totals = { organizations: 0, changing: 0, changes: 0, ineffective: 0, refused: 0, refusals: 0 };
    const refusals: OrganizationRefusalView[] = [];
    const data: PreviewedOrganizationView[] = [];
    const onPage = new Set(ids.slice((query.page - 1) * query.perPage, query.page * query.perPage));
    for (let start = 0; start < ids.length; start += PART) {
      const part = await asSystem(this.em, (em) => readOrganizations(em, ids.slice(start, start + PART)));
      for (const organization of part) {
        const { view, refused } = previewOf(template, judged, organization);
        count(totals, view, refused);
        for (const one of refused.slice(0, MOST_REFUSALS - refusals.length))
          refusals.push({ organizationId: organization.id, ...one });
        if (onPage.has(organization.id)) data.push(view);
        // Others wait for this process as long as one organization takes.
        await setImmediate();
      }
    }
    const page = toPage(data, ids.length, query, url);
    return { environments: judged.map(([name]) => name), totals, refusals, ...page };
  }
}

function count(totals: PreviewTotalsView, { features }: PreviewedOrganizationView, refused: readonly Refusal[]): void {
  const changes = features.filter((feature) => feature.changes).length;
  totals.organizations += 1;
  totals.changes += changes;
  totals.changing += Number(changes > 0);
  totals.ineffective += features.filter((feature) => feature.ineffective).length;
  totals.refused += Number(refused.length > 0);
  totals.refusals += refused.length;
}

function previewOf(
  template: PreparedTemplate,
  environments: readonly (readonly [string, CompiledEnvironment])[],
  organization: StoredOrganization & { id: string },
): { view: PreviewedOrganizationView; refused: Refusal[] } {
  const keys = template.values.map(({ key }) => key);
  const after = withTemplate(template, organization);
  const refused = [...refusalsOf(template, after)];
  const of = new Map(refused.map((refusal) => [refusal.feature, refusal]));
  const subject = subjectOf(template, organization);
  const judged = environments.map(([name, environment]) => ({
    name,
    without: evaluateAll(environment, subject, keys),
    having: evaluateAll(environment, after.subject, keys),
  }));
  const features = template.values.map(({ key, value }, at): PreviewedFeatureView => {
    const values = judged.map(({ name, without, having }) =>
      previewOfValue(name, { key, value }, without[at], having[at]),
    );
    return {
      feature: key,
      value,
      changes: values.some(({ changes }) => changes),
      ineffective: values.every(({ ineffective }) => ineffective !== null),
      environments: values,
      refusal: of.get(key) ?? null,
    };
  });
  const { id: organizationId, plan } = organization;
  return { view: { organizationId, plan, refusal: of.get(null) ?? null, features }, refused };
}

function previewOfValue(
  environment: string,
  { key, value }: { key: string; value: Json },
  without: Decision | undefined,
  having: Decision | undefined,
): PreviewedValueView {
  const before = without?.value ?? null;
  const after = having?.value ?? null;
  const why = having ? explain(having, { key }) : `${key} is not evaluated.`;
  return {
    environment,
    before,
    after,
    changes: !equal(before, after),
    ineffective: having && equal(after, value) ? null : why,
  };
}
