import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { plainToInstance, Transform, Type } from 'class-transformer';
import { ArrayNotEmpty, IsBoolean, IsIn, IsObject, IsOptional, IsUUID, Matches, ValidateNested } from 'class-validator';
import { AreObjects } from '../../kernel/are-objects.js';
import { ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE } from '../../environments/environments.dto.js';
import { isJsonObject } from '../../kernel/json.js';
import { type RollbackTarget, ROLLBACK_TARGETS } from '../change-log/change-log.dto.js';
import { PutChangePolicyRequest } from '../change-policies/change-policies.dto.js';
import { PutConfigurationRequest } from '../configurations/configurations.dto.js';
import { CreateFeatureRequest, UpdateFeatureRequest } from '../definitions/definitions.dto.js';
import { FEATURE_KEY, FEATURE_KEY_MESSAGE } from '../feature-key.js';
import { CreateSegmentRequest, UpdateSegmentRequest } from '../segments/segments.dto.js';
import { ImportedDocument } from '../transfer/transfer.dto.js';

export const EDIT_TYPES = [
  'feature.create',
  'feature.update',
  'feature.delete',
  'feature.configure',
  'feature.switch',
  'segment.create',
  'segment.update',
  'segment.delete',
  'policy.put',
  'change.rollback',
  'features.import',
] as const;

type EditType = (typeof EDIT_TYPES)[number];

/** An edit of a type that there is not: its one rule refuses it. */
class UnknownEdit {
  @IsIn(EDIT_TYPES)
  type!: EditType;
}

/** The property says which edit it is, and is the same in all of this kind. */
const IsEditType = (type: EditType): PropertyDecorator =>
  applyDecorators(ApiProperty({ enum: [type], description: 'What is to be done.', example: type }), IsIn([type]));

/** The same as POST `/api/v1/features`. */
export class FeatureCreateEdit {
  @IsEditType('feature.create')
  type!: 'feature.create';

  /** The feature to make. */
  @IsObject()
  @ValidateNested()
  @Type(() => CreateFeatureRequest)
  feature!: CreateFeatureRequest;
}

/** The same as PATCH `/api/v1/features/{key}`. */
export class FeatureUpdateEdit {
  @IsEditType('feature.update')
  type!: 'feature.update';

  /**
   * Key of the feature.
   * @example reports
   */
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  key!: string;
  /** What of it changes. */
  @IsObject()
  @ValidateNested()
  @Type(() => UpdateFeatureRequest)
  feature!: UpdateFeatureRequest;
}

/** The same as DELETE `/api/v1/features/{key}`. */
export class FeatureDeleteEdit {
  @IsEditType('feature.delete')
  type!: 'feature.delete';

  /**
   * Key of the feature.
   * @example reports
   */
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  key!: string;
}

/** The same as PUT `/api/v1/features/{key}/environments/{environment}`. */
export class FeatureConfigureEdit {
  @IsEditType('feature.configure')
  type!: 'feature.configure';

  /**
   * Key of the feature.
   * @example reports
   */
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  key!: string;
  /**
   * Key of the environment.
   * @example production
   */
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment!: string;
  /** What it is there, in place of what it was. */
  @IsObject()
  @ValidateNested()
  @Type(() => PutConfigurationRequest)
  configuration!: PutConfigurationRequest;
}

/** The same as PATCH `/api/v1/features/{key}/environments/{environment}`. */
export class FeatureSwitchEdit {
  @IsEditType('feature.switch')
  type!: 'feature.switch';

  /**
   * Key of the feature.
   * @example reports
   */
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  key!: string;
  /**
   * Key of the environment.
   * @example production
   */
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment!: string;
  /**
   * Whether it is on there; rules and roll-out stay as they are.
   * @example true
   */
  @IsBoolean()
  enabled!: boolean;
}

/** The same as POST `/api/v1/segments`. */
export class SegmentCreateEdit {
  @IsEditType('segment.create')
  type!: 'segment.create';

  /** The segment to make. */
  @IsObject()
  @ValidateNested()
  @Type(() => CreateSegmentRequest)
  segment!: CreateSegmentRequest;
}

/** The same as PATCH `/api/v1/segments/{key}`. */
export class SegmentUpdateEdit {
  @IsEditType('segment.update')
  type!: 'segment.update';

  /**
   * Key of the segment.
   * @example beta-testers
   */
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  key!: string;
  /** What of it changes. */
  @IsObject()
  @ValidateNested()
  @Type(() => UpdateSegmentRequest)
  segment!: UpdateSegmentRequest;
}

/** The same as DELETE `/api/v1/segments/{key}`. */
export class SegmentDeleteEdit {
  @IsEditType('segment.delete')
  type!: 'segment.delete';

  /**
   * Key of the segment.
   * @example beta-testers
   */
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  key!: string;
}

/** The same as PUT `/api/v1/feature-changes/policies/{environment}`. */
export class PolicyPutEdit {
  @IsEditType('policy.put')
  type!: 'policy.put';

  /**
   * Key of the environment.
   * @example production
   */
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment!: string;
  /** What changes need there, in place of what they needed. */
  @IsObject()
  @ValidateNested()
  @Type(() => PutChangePolicyRequest)
  policy!: PutChangePolicyRequest;
}

/** The same as POST `/api/v1/features/changes/{id}/rollback`. */
export class ChangeRollbackEdit {
  @IsEditType('change.rollback')
  type!: 'change.rollback';

  /**
   * Id of the change that is rolled back.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  id!: string;
  /** As it was `before` that change, or `after` it. */
  @ApiProperty({ enum: ROLLBACK_TARGETS, required: false, default: 'before', example: 'before' })
  @IsOptional()
  @IsIn(ROLLBACK_TARGETS)
  to?: RollbackTarget;
}

/** The same as POST `/api/v1/features/import`. */
export class FeaturesImportEdit {
  @IsEditType('features.import')
  type!: 'features.import';

  /** What to take over; with everything else of the request it has to fit into the 1 MiB of a body. */
  @IsObject()
  @ValidateNested()
  @Type(() => ImportedDocument)
  import!: ImportedDocument;
}

/** Each kind of edit, by its `type`. */
export const EDITS = [
  { name: 'feature.create', value: FeatureCreateEdit },
  { name: 'feature.update', value: FeatureUpdateEdit },
  { name: 'feature.delete', value: FeatureDeleteEdit },
  { name: 'feature.configure', value: FeatureConfigureEdit },
  { name: 'feature.switch', value: FeatureSwitchEdit },
  { name: 'segment.create', value: SegmentCreateEdit },
  { name: 'segment.update', value: SegmentUpdateEdit },
  { name: 'segment.delete', value: SegmentDeleteEdit },
  { name: 'policy.put', value: PolicyPutEdit },
  { name: 'change.rollback', value: ChangeRollbackEdit },
  { name: 'features.import', value: FeaturesImportEdit },
] as const;

/** Any of them. */
export type AnyEdit = InstanceType<(typeof EDITS)[number]['value']>;

export const MAX_EDITS = 100;

/** The property is a list of edits, each checked as what its `type` says. */
export const AreEdits = (): PropertyDecorator =>
  applyDecorators(
    // By hand: the discriminator of class-transformer fails on null.
    Transform(({ value }: { value: unknown }) => (Array.isArray(value) ? value.map(toEdit) : value)),
    ArrayNotEmpty(),
    AreObjects(MAX_EDITS),
  );

function toEdit(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  const known = EDITS.find(({ name }) => name === value.type);
  return plainToInstance<object, object>(known?.value ?? UnknownEdit, value);
}
