import { ApiProperty } from '@nestjs/swagger';
import type { Json } from '../../kernel/json.js';
import { CursorMeta } from '../../kernel/lists.js';
import { ANY_VALUE } from '../feature-value.js';
import type { TemplateValue } from './feature-template.entity.js';
import {
  APPLICATION_SCOPES,
  APPLICATION_STATUSES,
  type ApplicationFailure,
  type ApplicationScope,
  type ApplicationStatus,
  type AppliedTemplate,
  FEATURE_STATES,
  type FeatureState,
  type KeptOverrides,
  type OverrideName,
  type TemplateApplicationLog,
} from './template-application.entity.js';
import { TemplateValueBody } from './templates.dto.js';

const ID = '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00';

/** A template as it was when somebody asked for it to be applied. */
export class AppliedTemplateView implements AppliedTemplate {
  /**
   * What people called it.
   * @example "Pilot customers"
   */
  name!: string;
  /**
   * Its version.
   * @example 3
   */
  version!: number;
  /** What it gave. */
  @ApiProperty({ type: [TemplateValueBody], example: [{ feature: 'api-calls', value: 4_000 }] })
  values!: TemplateValue[];
  /** The plans that it was for; empty: any. */
  @ApiProperty({ type: [String], example: [] })
  targetPlans!: string[];
}

/** How far an application is. */
export class ApplicationProgressView {
  /**
   * Organizations that are written. All are checked first, and all become valid together.
   * @example 400
   */
  done!: number;
  /**
   * Organizations in all; of a plan, as many as there were when it was asked for until it is done.
   * @example 1000
   */
  total!: number;
}

/** Why nothing was applied. */
export class ApplicationFailureView implements ApplicationFailure {
  /**
   * A code of the errors, such as a single override would be refused with.
   * @example feature_dependency_unmet
   */
  code!: string;
  /**
   * What stood against it.
   * @example "report-exports would stay off: in production it needs reports, and reports is false by default."
   */
  detail!: string;
  /** The first organization, by id, that cannot have it; null where it is nothing of one. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: ID })
  organizationId!: string | null;
  /** The feature; null where it is nothing of one. */
  @ApiProperty({ type: String, nullable: true, example: 'report-exports' })
  feature!: string | null;
}

/** Somebody of the platform's admins. */
export class ApplicantView {
  /** Id of the person. */
  @ApiProperty({ format: 'uuid', example: ID })
  id!: string;
  /** What they are called now; null once the account is deleted. */
  @ApiProperty({ type: String, nullable: true, example: 'Grace Hopper' })
  fullName!: string | null;
}

/** An override of an organization. */
export class OverrideNameView implements OverrideName {
  /** Id of the organization. */
  @ApiProperty({ format: 'uuid', example: ID })
  organizationId!: string;
  /**
   * Key of the feature.
   * @example reports
   */
  feature!: string;
}

/** Overrides that a rollback left as somebody had made them since. */
export class KeptOverridesView implements KeptOverrides {
  /**
   * How many.
   * @example 1
   */
  total!: number;
  /** The first 20, by organization; the application's organizations have all of them, as `kept`. */
  first!: OverrideNameView[];
}

/** That an application was taken back. */
export class ApplicationRollbackView {
  /** Who took it back. */
  @ApiProperty({ type: ApplicantView, nullable: true })
  by!: ApplicantView | null;
  /**
   * When.
   * @example 2026-11-25T09:00:00.000Z
   */
  at!: string;
  /** Why. */
  @ApiProperty({ type: String, example: 'The pilot was called off' })
  reason!: string | null;
  /** What it left, as it was asked to by `keepChanged`. */
  @ApiProperty({ type: KeptOverridesView })
  kept!: KeptOverrides;
}

/** An application of a template. */
export class ApplicationView {
  /** Sorted by time. */
  @ApiProperty({ format: 'uuid', example: ID })
  id!: string;
  /**
   * Key of the template, which may be gone.
   * @example pilot-customers
   */
  templateKey!: string;
  /** The template as it was. */
  @ApiProperty({ type: AppliedTemplateView })
  template!: AppliedTemplate;
  /** To whom: organizations by name, all on a plan, or all. */
  @ApiProperty({ enum: APPLICATION_SCOPES, example: 'plan' })
  scope!: ApplicationScope;
  /** Key of the plan; null where it was not by plan. */
  @ApiProperty({ type: String, nullable: true, example: 'standard' })
  plan!: string | null;
  /** Key of the only environment where its values hold; null: everywhere. */
  @ApiProperty({ type: String, nullable: true, example: null })
  environment!: string | null;
  /**
   * Why.
   * @example "The pilot begins, agreed with sales"
   */
  reason!: string;
  /** `completed`: all organizations have it; `failed`: none. */
  @ApiProperty({ enum: APPLICATION_STATUSES, example: 'completed' })
  status!: ApplicationStatus;
  /** How far it is. */
  @ApiProperty({ type: ApplicationProgressView })
  progress!: ApplicationProgressView;
  /** Why nothing was applied; null unless it failed. */
  @ApiProperty({ type: ApplicationFailureView, nullable: true })
  failure!: ApplicationFailure | null;
  /** Who asked for it. */
  @ApiProperty({ type: ApplicantView, nullable: true })
  requestedBy!: ApplicantView | null;
  /**
   * When it was asked for.
   * @example 2026-11-25T08:00:00.000Z
   */
  createdAt!: string;
  /** When it began; null before. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-25T08:00:00.000Z' })
  startedAt!: string | null;
  /** When it ended, one way or the other; null before. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-25T08:00:02.000Z' })
  finishedAt!: string | null;
  /** That it was taken back; null when it was not. */
  @ApiProperty({ type: ApplicationRollbackView, nullable: true })
  rollback!: ApplicationRollbackView | null;
}

/** A page of applications, newest first. */
export class ApplicationPageView {
  /** The applications of this page. */
  data!: ApplicationView[];
  /** Whether and where it goes on. */
  meta!: CursorMeta;
}

/** What an organization was given of a feature. */
export class AppliedFeatureView {
  /**
   * Key of the feature.
   * @example api-calls
   */
  feature!: string;
  /** The value of the override that was replaced; null where there was none. */
  @ApiProperty({ ...ANY_VALUE, nullable: true, example: 2_000 })
  before!: Json;
  /**
   * `applied`: it has the template's override; `changed_since`: somebody changed or removed that since; `rolled_back`: it
   * has what it had before; `kept`: a rollback left what somebody had made of it.
   */
  @ApiProperty({ enum: FEATURE_STATES, example: 'applied' })
  state!: FeatureState;
}

/** An organization that a template was applied to. */
export class ApplicationOrganizationView {
  /** Id of the organization. */
  @ApiProperty({ format: 'uuid', example: ID })
  organizationId!: string;
  /**
   * What it is called now.
   * @example "Analytical Engines"
   */
  name!: string;
  /** The features that were changed for it, by key; none: it had all of the template before. */
  features!: AppliedFeatureView[];
}

/** A page of the organizations that a template was applied to, by id. */
export class ApplicationOrganizationPageView {
  /** The organizations of this page. */
  data!: ApplicationOrganizationView[];
  /** Whether and where it goes on. */
  meta!: CursorMeta;
}

/** An application that was taken on. */
export class QueuedApplicationView {
  /** Id of the application. */
  @ApiProperty({ format: 'uuid', example: ID })
  id!: string;
  /** It waits for its turn. */
  @ApiProperty({ enum: ['queued'], example: 'queued' })
  status!: 'queued';
}

/** @param names what people are called now, by id. */
export function toApplicationView(log: TemplateApplicationLog, names: ReadonlyMap<string, string>): ApplicationView {
  const person = (id: string | null | undefined): ApplicantView | null =>
    id ? { id, fullName: names.get(id) ?? null } : null;
  return {
    id: log.id,
    templateKey: log.templateKey,
    template: log.template,
    scope: log.scope,
    plan: log.planKey ?? null,
    environment: log.environmentKey ?? null,
    reason: log.reason,
    status: log.status,
    progress: { done: log.done, total: log.total },
    failure: log.failure ?? null,
    requestedBy: person(log.requestedBy),
    createdAt: log.createdAt.toISOString(),
    startedAt: log.startedAt?.toISOString() ?? null,
    finishedAt: log.finishedAt?.toISOString() ?? null,
    rollback: log.rolledBackAt
      ? {
          by: person(log.rolledBackBy),
          at: log.rolledBackAt.toISOString(),
          reason: log.rollbackReason ?? null,
          kept: log.rollbackKept ?? { total: 0, first: [] },
        }
      : null,
  };
}
