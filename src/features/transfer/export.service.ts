import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../../database/tenant-context.js';
import { Environment } from '../../environments/environment.entity.js';
import { invalidField } from '../../kernel/problem.js';
import { Plan } from '../../organizations/plans/plan.entity.js';
import { FeatureConfiguration } from '../configurations/feature-configuration.entity.js';
import { type FeatureFacts, readFeatures } from '../definitions/definitions.queries.js';
import { FeatureChanges, holdFeatures } from '../feature-changes.js';
import { FeatureSegment } from '../segments/feature-segment.entity.js';
import type { CreateSegmentRequest } from '../segments/segments.dto.js';
import { inDependencyOrder } from './dependency-order.js';
import { cut } from './parts.js';
import type { ExportQuery } from './transfer.dto.js';
import {
  type ConfigurationEntry,
  type FeatureEntry,
  FORMAT_VERSION,
  type TransferDocument,
} from './transfer-document.dto.js';

/** Writes features down, with all that they are made of. */
@Injectable()
export class ExportService {
  constructor(
    private readonly em: EntityManager,
    private readonly changes: FeatureChanges,
  ) {}

  /**
   * The document of all features, or of those that the filters leave with all that these need; the same features give
   * the same document, but for its time.
   * @throws Problem `validation_failed` for a part that there is not.
   */
  async export({ tag, category, part }: ExportQuery): Promise<TransferDocument> {
    const { environments, plans, segments, features } = await this.changes.beside('export', () =>
      asSystem(this.em, readAll),
    );
    const wanted = (facts: FeatureFacts): boolean =>
      (tag === undefined || facts.tags.includes(tag)) && (category === undefined || facts.category === category);
    const chosen = withNeeded(
      features.map(({ facts }) => facts),
      wanted,
    );
    const ordered = inDependencyOrder(
      features.filter(({ facts }) => chosen.has(facts.key)),
      ({ facts }) => ({ key: facts.key, needs: facts.dependencies }),
    ).map(toEntry);
    const all = tag === undefined && category === undefined;
    const named = new Set(ordered.flatMap(({ configurations }) => configurations.flatMap(namedSegments)));
    const told = segments.filter(({ key }) => all || named.has(key));
    const parts = part === undefined ? [{ segments: told, features: ordered }] : cut(told, ordered);
    const asked = parts[(part ?? 1) - 1];
    if (!asked) throw invalidField('part', 'part_unknown', `There are ${parts.length} parts`);
    return {
      format: 'tenon',
      formatVersion: FORMAT_VERSION,
      exportedAt: new Date().toISOString(),
      part: part ?? 1,
      parts: parts.length,
      environments,
      plans,
      ...asked,
    };
  }
}

interface Stored {
  facts: FeatureFacts;
  configurations: FeatureConfiguration[];
}

/** All of one moment: nobody changes features meanwhile. */
async function readAll(em: EntityManager) {
  await holdFeatures(em);
  const byKey = { orderBy: { key: 'asc' } } as const;
  const environments = await em.find(Environment, {}, byKey);
  const plans = await em.find(Plan, {}, byKey);
  const segments = await em.find(FeatureSegment, {}, byKey);
  const configurations = Map.groupBy(
    await em.find(FeatureConfiguration, {}, { orderBy: { environment: 'asc' } }),
    ({ feature }) => feature.key,
  );
  return {
    environments: environments.map(({ key, name, description = null }) => ({ key, name, description })),
    plans: plans.map(({ key, name }) => ({ key, name })),
    segments: segments.map(toSegment),
    features: (await readFeatures(em, null)).map((facts): Stored => ({
      facts,
      configurations: configurations.get(facts.key) ?? [],
    })),
  };
}

/** Keys of the features that are wanted, and of all that they need. */
function withNeeded(features: readonly FeatureFacts[], wanted: (facts: FeatureFacts) => boolean): Set<string> {
  const needs = new Map(features.map(({ key, dependencies }) => [key, dependencies]));
  const chosen = new Set(features.filter(wanted).map(({ key }) => key));
  for (const key of chosen) for (const other of needs.get(key)!) chosen.add(other);
  return chosen;
}

function namedSegments({ rules }: ConfigurationEntry): string[] {
  return rules.flatMap(({ segments = [] }) => segments);
}

function toSegment({ key, name = null, description = null, conditions }: FeatureSegment): CreateSegmentRequest {
  return { key, name, description, when: conditions };
}

function toEntry({ facts, configurations }: Stored): FeatureEntry {
  const { version: _version, createdAt: _createdAt, updatedAt: _updatedAt, ...definition } = facts;
  return { definition, configurations: configurations.map(toConfiguration) };
}

function toConfiguration({ environment, enabled, rules, rollout = null }: FeatureConfiguration): ConfigurationEntry {
  return { environment: environment.key, enabled, rules, rollout };
}
