import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';
import type { NotCarriedOver } from '../transfer/import-source.js';
import type { StoredEdit } from './edits.js';
import type { Effect } from './effects.js';

export const REQUEST_STATUSES = [
  'pending',
  'approved',
  'scheduled',
  'applied',
  'rejected',
  'cancelled',
  'failed',
] as const;
export type RequestStatus = (typeof REQUEST_STATUSES)[number];

/** Why a scheduled request could not be applied. */
export interface RequestFailure {
  /** A code of the error registry. */
  code: string;
  detail: string;
}

const FeatureChangeRequestSchema = defineEntity({
  name: 'FeatureChangeRequest',
  tableName: 'feature_change_requests',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  checks: [
    {
      name: 'feature_change_requests_status_check',
      expression: `status in (${REQUEST_STATUSES.map((status) => `'${status}'`).join(', ')})`,
    },
  ],
  indexes: [
    { properties: ['status', 'id'] },
    {
      name: 'feature_change_requests_apply_at_index',
      expression: `create index feature_change_requests_apply_at_index on feature_change_requests (apply_at) where status = 'scheduled'`,
    },
    {
      name: 'feature_change_requests_subjects_index',
      expression: 'create index feature_change_requests_subjects_index on feature_change_requests using gin (subjects)',
    },
  ],
  properties: {
    id: p.uuid().primary(),
    title: p.text(),
    reason: p.text().nullable(),
    changes: p.json<StoredEdit[]>(),
    effects: p.json<Effect[]>(),
    notCarriedOver: p.json<NotCarriedOver[]>().default('[]'),
    subjects: p.array().$type<string[]>(),
    follows: p.array().columnType('uuid[]').$type<string[]>(),
    baseRevision: p.bigint('number'),
    contentHash: p.text(),
    applyAt: p.datetime().nullable(),
    status: p.text().$type<RequestStatus>(),
    failure: p.json<RequestFailure | null>().nullable(),
    authorId: p.uuid(),
    appliedAt: p.datetime().nullable(),
    version: p.integer(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
});

/** Changes of features that somebody asks for, as one: they are made together, or none of them. */
export class FeatureChangeRequest extends FeatureChangeRequestSchema.class {}
FeatureChangeRequestSchema.setClass(FeatureChangeRequest);

export const VERDICTS = ['approved', 'rejected'] as const;
export type Verdict = (typeof VERDICTS)[number];

const FeatureChangeReviewSchema = defineEntity({
  name: 'FeatureChangeReview',
  tableName: 'feature_change_reviews',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  checks: [{ name: 'feature_change_reviews_verdict_check', expression: `verdict in ('approved', 'rejected')` }],
  properties: {
    request: () =>
      p.manyToOne(FeatureChangeRequest).primary().fieldName('request_id').deleteRule('cascade').updateRule('no action'),
    userId: p.uuid().primary(),
    verdict: p.text().$type<Verdict>(),
    contentHash: p.text(),
    comment: p.text().nullable(),
    at: p.datetime(),
  },
});

/** What a person says of a request, as it was when they said it. */
export class FeatureChangeReview extends FeatureChangeReviewSchema.class {}
FeatureChangeReviewSchema.setClass(FeatureChangeReview);
