import { Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Actor } from '../../kernel/actor.js';
import type { JsonObject } from '../../kernel/json.js';
import { invalidField, Problem, problem } from '../../kernel/problem.js';
import type { PutChangePolicyRequest } from '../change-policies/change-policies.dto.js';
import { ChangePoliciesService } from '../change-policies/change-policies.service.js';
import { GATED_KINDS } from '../change-policies/feature-change-policy.entity.js';
import { ConfigurationsService } from '../configurations/configurations.service.js';
import type { PutConfigurationRequest } from '../configurations/configurations.dto.js';
import type { CreateFeatureRequest } from '../definitions/definitions.dto.js';
import { readFeatures } from '../definitions/definitions.queries.js';
import { DefinitionsService } from '../definitions/definitions.service.js';
import type { FeatureWriter } from '../feature-changes.js';
import { environmentExists } from '../overrides/overrides.queries.js';
import { FeatureSegment } from '../segments/feature-segment.entity.js';
import type { CreateSegmentRequest } from '../segments/segments.dto.js';
import { SegmentsService } from '../segments/segments.service.js';
import type { RollbackTarget } from './change-log.dto.js';
import { findEntry } from './change-log.queries.js';
import type { FeatureChangeLog } from './feature-change-log.entity.js';

/** What nobody has configured. */
const NO_POLICY: PutChangePolicyRequest = {
  approvals: 0,
  approvers: [],
  kinds: [...GATED_KINDS],
  reasonRequired: false,
};
const NOT_CONFIGURED: PutConfigurationRequest = { enabled: true, rules: [], rollout: null };

/** Makes things what they were, by the same services, and so under the same checks, as an admin would. */
@Injectable()
export class Restore {
  constructor(
    private readonly definitions: DefinitionsService,
    private readonly configurations: ConfigurationsService,
    private readonly segments: SegmentsService,
    private readonly policies: ChangePoliciesService,
  ) {}

  /**
   * Makes what a change was about what it was before or after it.
   * @throws Problem `not_found`; whatever the change would be refused with; `conflict` where the state cannot come back, as
   * of a plan that is gone: whoever asks has named none of that.
   */
  async change(
    em: EntityManager,
    actor: Actor,
    id: string,
    to: RollbackTarget = 'before',
    writer: FeatureWriter,
  ): Promise<void> {
    const entry = await findEntry(em, id);
    try {
      await this.to(em, actor, entry, (to === 'before' ? entry.before : entry.after) ?? null, writer);
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'validation_failed') throw error;
      const { detail, errors } = error;
      throw problem('conflict', { detail: `It cannot be again what it was: ${detail}`, errors, cause: error });
    }
  }

  private async to(
    em: EntityManager,
    actor: Actor,
    { kind, featureKey, segmentKey, environmentKey }: FeatureChangeLog,
    state: JsonObject | null,
    writer: FeatureWriter,
  ): Promise<void> {
    if (kind === 'feature') await this.feature(em, actor, featureKey!, state, writer);
    else if (kind === 'segment') await this.segment(em, actor, segmentKey!, state, writer);
    else if (kind === 'configuration') {
      const [present] = await readFeatures(em, [featureKey!]);
      if (!present) throw invalidField('feature', 'feature_unknown', `There is no feature "${featureKey}"`);
      const request = (state ?? NOT_CONFIGURED) as unknown as PutConfigurationRequest;
      await this.configuration(em, actor, featureKey!, environmentKey!, request, writer);
    } else {
      await refuseGone(em, environmentKey!);
      await this.policies.put(actor, environmentKey!, { ...NO_POLICY, ...state }, null, writer);
    }
  }

  private async feature(
    em: EntityManager,
    actor: Actor,
    key: string,
    state: JsonObject | null,
    writer: FeatureWriter,
  ): Promise<void> {
    const [present] = await readFeatures(em, [key]);
    if (state === null) {
      if (present) await this.definitions.remove(actor, key, null, null, writer);
      return;
    }
    const { type, configurations = {}, ...fields } = state;
    if (present && present.type !== type)
      throw problem('conflict', {
        detail: `${key} is of type ${present.type} by now, and was of type ${type as string}`,
      });
    if (present) {
      await this.definitions.update(actor, key, fields, null, writer);
      return;
    }
    await this.definitions.create(actor, { key, type, ...fields } as unknown as CreateFeatureRequest, writer);
    for (const [environment, configuration] of Object.entries(configurations as unknown as Configurations))
      await this.configuration(em, actor, key, environment, configuration, writer);
  }

  private async configuration(
    em: EntityManager,
    actor: Actor,
    key: string,
    environment: string,
    state: PutConfigurationRequest,
    writer: FeatureWriter,
  ): Promise<void> {
    await refuseGone(em, environment);
    await this.configurations.put(actor, key, environment, state, null, writer);
  }

  private async segment(
    em: EntityManager,
    actor: Actor,
    key: string,
    state: JsonObject | null,
    writer: FeatureWriter,
  ): Promise<void> {
    const present = await em.findOne(FeatureSegment, { key });
    if (state === null) {
      if (present) await this.segments.remove(actor, key, null, null, writer);
    } else if (present) await this.segments.update(actor, key, state, null, writer);
    else await this.segments.create(actor, { key, ...state } as unknown as CreateSegmentRequest, writer);
  }
}

async function refuseGone(em: EntityManager, environment: string): Promise<void> {
  if (!(await environmentExists(em, environment)))
    throw invalidField('environment', 'environment_unknown', `There is no environment "${environment}"`);
}

type Configurations = Record<string, PutConfigurationRequest>;
