import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../../database/tenant-context.js';
import type { Json } from '../../kernel/json.js';
import { toPage } from '../../kernel/lists.js';
import { shownEnvironment } from '../evaluation/evaluation.service.js';
import { type CompiledEnvironment, evaluateAll } from '../evaluator/index.js';
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
  TemplatePreviewView,
} from './preview.view.js';
import { readSelection, selectOrganizations } from './selection.js';
import { findTemplate } from './templates.service.js';

/** Evaluated without a pause: others wait for this process as long. */
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
    const environmentKey = template.environment ?? shownEnvironment(template.environments);
    const environment = template.environments.get(environmentKey)!;
    const totals = { organizations: ids.length, changing: 0, changes: 0, refused: 0 };
    const refusals: OrganizationRefusalView[] = [];
    const data: PreviewedOrganizationView[] = [];
    const onPage = new Set(ids.slice((query.page - 1) * query.perPage, query.page * query.perPage));
    for (let start = 0; start < ids.length; start += PART) {
      const part = await asSystem(this.em, (em) => readOrganizations(em, ids.slice(start, start + PART)));
      for (const organization of part) {
        const { view, refused } = previewOf(template, environment, organization);
        const changes = view.features.filter((feature) => feature.changes).length;
        totals.changes += changes;
        totals.changing += Number(changes > 0);
        totals.refused += Number(refused.length > 0);
        for (const one of refused.slice(0, MOST_REFUSALS - refusals.length))
          refusals.push({ organizationId: organization.id, ...one });
        if (onPage.has(organization.id)) data.push(view);
      }
    }
    return { environment: environmentKey, totals, refusals, ...toPage(data, ids.length, query, url) };
  }
}

function previewOf(
  template: PreparedTemplate,
  environment: CompiledEnvironment,
  organization: StoredOrganization & { id: string },
): { view: PreviewedOrganizationView; refused: Refusal[] } {
  const keys = template.values.map(({ key }) => key);
  const after = withTemplate(template, organization);
  const refused = [...refusalsOf(template, after)];
  const of = new Map(refused.map((refusal) => [refusal.feature, refusal]));
  const before = evaluateAll(environment, subjectOf(template, organization), keys);
  const then = evaluateAll(environment, after.subject, keys);
  const features = keys.map((feature, at): PreviewedFeatureView => {
    const [was, is]: [Json, Json] = [before[at]?.value ?? null, then[at]?.value ?? null];
    return { feature, before: was, after: is, changes: !equal(was, is), refusal: of.get(feature) ?? null };
  });
  const { id: organizationId, plan } = organization;
  return { view: { organizationId, plan, refusal: of.get(null) ?? null, features }, refused };
}
