import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsString, Matches, MaxLength, ValidateIf, ValidateNested } from 'class-validator';
import { AreObjects } from '../../kernel/are-objects.js';
import { ArrayUnique } from '../../kernel/array-unique.js';
import {
  CreateEnvironmentRequest,
  ENVIRONMENT_KEY,
  ENVIRONMENT_KEY_MESSAGE,
} from '../../environments/environments.dto.js';
import { PutConfigurationRequest } from '../configurations/configurations.dto.js';
import { CreateFeatureRequest } from '../definitions/definitions.dto.js';
import { CreateSegmentRequest } from '../segments/segments.dto.js';

/** What a document is of: raised when an older Tenon could not read it any more. */
export const FORMAT_VERSION = 1;
/** Features, segments, environments and plans in one document, each. */
export const MOST_ENTRIES = 1_000;

/** A list of entries, of which each has a key of its own. */
const EntryList = (type: () => new () => object, keyOf: (entry: Keyed) => unknown): PropertyDecorator =>
  applyDecorators(
    AreObjects(MOST_ENTRIES),
    ArrayUnique((entry: Keyed | null) => entry && keyOf(entry), { message: '$property holds a key twice' }),
    Type(type),
  );
interface Keyed {
  key?: unknown;
  environment?: unknown;
  definition?: { key?: unknown };
}

/** A plan that values of features are for. */
export class PlanEntry {
  /**
   * What it is known by.
   * @example standard
   */
  @IsString()
  @MaxLength(40)
  key!: string;

  /**
   * What it is called.
   * @example Standard
   */
  @ApiPropertyOptional({ type: String, example: 'Standard' })
  @ValidateIf((_, value) => value !== undefined)
  @IsString()
  @MaxLength(200)
  name?: string;
}

/** What a feature is in an environment. */
export class ConfigurationEntry extends PutConfigurationRequest {
  /**
   * Key of the environment.
   * @example production
   */
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment!: string;
}

/** A feature, and what it is in each environment where it is configured. */
export class FeatureEntry {
  /** What it is. What is left out stays as it is where the feature is there already. */
  @IsObject()
  @ValidateNested()
  @Type(() => CreateFeatureRequest)
  definition!: CreateFeatureRequest;

  /** What it is in environments; in those that are left out it stays as it is. */
  @ApiProperty({ type: [ConfigurationEntry], required: false, default: [] })
  @EntryList(() => ConfigurationEntry, ({ environment }) => environment)
  configurations: ConfigurationEntry[] = [];
}

/** Features with all that they are made of, to be taken to another installation or kept. */
export class TransferDocument {
  /** Says that it is ours. */
  @ApiProperty({ enum: ['tenon'], example: 'tenon' })
  @IsIn(['tenon'])
  format!: 'tenon';

  /** How it is written. */
  @ApiProperty({ enum: [FORMAT_VERSION], example: FORMAT_VERSION })
  @IsIn([FORMAT_VERSION])
  formatVersion!: number;

  /**
   * When it was made.
   * @example 2026-11-25T08:00:00.000Z
   */
  @ApiPropertyOptional({ type: String, example: '2026-11-25T08:00:00.000Z' })
  @ValidateIf((_, value) => value !== undefined)
  @IsString()
  @MaxLength(40)
  exportedAt?: string;

  /** Which part of the whole it is, from 1. */
  @ApiPropertyOptional({ type: Number, example: 1 })
  @ValidateIf((_, value) => value !== undefined)
  @IsInt()
  part?: number;

  /** In how many parts the whole comes. */
  @ApiPropertyOptional({ type: Number, example: 1 })
  @ValidateIf((_, value) => value !== undefined)
  @IsInt()
  parts?: number;

  /** The environments; those that are missing are made. */
  @ApiProperty({ type: [CreateEnvironmentRequest], required: false, default: [] })
  @EntryList(() => CreateEnvironmentRequest, ({ key }) => key)
  environments: CreateEnvironmentRequest[] = [];

  /** The plans that the document knows; none is made. */
  @ApiProperty({ type: [PlanEntry], required: false, default: [] })
  @EntryList(() => PlanEntry, ({ key }) => key)
  plans: PlanEntry[] = [];

  /** Segments, by key. */
  @ApiProperty({ type: [CreateSegmentRequest], required: false, default: [] })
  @EntryList(() => CreateSegmentRequest, ({ key }) => key)
  segments: CreateSegmentRequest[] = [];

  /** Features, each after those that it needs, so that the list can be cut anywhere. */
  @ApiProperty({ type: [FeatureEntry] })
  @EntryList(() => FeatureEntry, ({ definition }) => definition?.key)
  features!: FeatureEntry[];
}
