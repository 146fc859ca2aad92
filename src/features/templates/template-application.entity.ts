import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';
import type { Json } from '../../kernel/json.js';
import { Organization } from '../../organizations/organization.entity.js';
import type { TemplateValue } from './feature-template.entity.js';

export const APPLICATION_STATUSES = ['queued', 'running', 'completed', 'failed', 'rolled_back'] as const;
export type ApplicationStatus = (typeof APPLICATION_STATUSES)[number];

export const APPLICATION_SCOPES = ['organizations', 'plan', 'all'] as const;
export type ApplicationScope = (typeof APPLICATION_SCOPES)[number];

/** What has become of what an organization was given of a feature. */
export const FEATURE_STATES = ['applied', 'changed_since', 'rolled_back', 'kept'] as const;
export type FeatureState = (typeof FEATURE_STATES)[number];

/** A template as it was when somebody asked for it to be applied. */
export interface AppliedTemplate {
  name: string;
  version: number;
  values: TemplateValue[];
  targetPlans: string[];
}

/** Why nothing was applied. */
export interface ApplicationFailure {
  code: string;
  detail: string;
  /** null: it is no single organization's. */
  organizationId: string | null;
  /** null: it is no single feature's. */
  feature: string | null;
}

/** An override of an organization. */
export interface OverrideName {
  organizationId: string;
  feature: string;
}

/** Overrides that a rollback left, because somebody had changed them since. */
export interface KeptOverrides {
  total: number;
  /** By organization and feature; the others stand in the changes. */
  first: OverrideName[];
}

const oneOf = (column: string, values: readonly string[]): { name: string; expression: string } => ({
  name: `template_application_logs_${column}_check`,
  expression: `${column} in (${values.map((value) => `'${value}'`).join(', ')})`,
});

const TemplateApplicationLogSchema = defineEntity({
  name: 'TemplateApplicationLog',
  tableName: 'template_application_logs',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  checks: [oneOf('scope', APPLICATION_SCOPES), oneOf('status', APPLICATION_STATUSES)],
  indexes: [{ properties: ['templateKey', 'id'] }],
  properties: {
    id: p.uuid().primary(),
    templateKey: p.text(),
    template: p.json<AppliedTemplate>(),
    scope: p.text().$type<ApplicationScope>(),
    planKey: p.text().nullable(),
    /** Up to 10,000. */
    organizationIds: p.json<string[] | null>().nullable().lazy(),
    /** null: everywhere. */
    environmentKey: p.text().nullable(),
    reason: p.text(),
    status: p.text().$type<ApplicationStatus>(),
    /** Organizations that were written, of {@link total}. */
    done: p.integer().default(0),
    total: p.integer(),
    failure: p.json<ApplicationFailure | null>().nullable(),
    requestedBy: p.uuid().nullable(),
    createdAt: p.datetime(),
    startedAt: p.datetime().nullable(),
    /** What the overrides that it wrote have as their time; by it they are known. */
    appliedAt: p.datetime().nullable(),
    finishedAt: p.datetime().nullable(),
    rolledBackBy: p.uuid().nullable(),
    rolledBackAt: p.datetime().nullable(),
    rollbackReason: p.text().nullable(),
    rollbackKept: p.json<KeptOverrides | null>().nullable(),
  },
});

/** That a template was, or is to be, applied. */
export class TemplateApplicationLog extends TemplateApplicationLogSchema.class {}
TemplateApplicationLogSchema.setClass(TemplateApplicationLog);

/** An override as it was; null: there was none. */
export type OverrideBefore = {
  value: Json;
  reason: string;
  expiresAt: string | null;
  setBy: string | null;
  updatedAt: string;
} | null;

const TemplateApplicationChangeSchema = defineEntity({
  name: 'TemplateApplicationChange',
  tableName: 'template_application_changes',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  properties: {
    organization: () => p.manyToOne(Organization).primary().updateRule('no action').deleteRule('cascade'),
    application: () =>
      p.manyToOne(TemplateApplicationLog).primary().updateRule('no action').deleteRule('cascade').index(),
    /** By feature, those that the application changed; none where the organization had all of it. */
    features: p.json<Record<string, OverrideBefore>>(),
    /** The features that a rollback left. */
    kept: p.json<string[]>().default('[]'),
    appliedAt: p.datetime().index(),
  },
});

/** What an organization had before a template was applied to it. */
export class TemplateApplicationChange extends TemplateApplicationChangeSchema.class {}
TemplateApplicationChangeSchema.setClass(TemplateApplicationChange);
