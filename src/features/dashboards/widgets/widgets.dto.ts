import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { ArrayUnique } from '../../../kernel/array-unique.js';
import { ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE } from '../../../environments/environments.dto.js';
import { IsDisplayName } from '../../../kernel/display-name.js';
import type { JsonObject } from '../../../kernel/json.js';
import { PageQuery } from '../../../kernel/lists.js';
import { FEATURE_KEY, FEATURE_KEY_MESSAGE } from '../../feature-key.js';

/** Widgets and their types are known by keys of the same form as those of features. */
export const WIDGET_KEY = FEATURE_KEY;
export const WIDGET_KEY_MESSAGE = FEATURE_KEY_MESSAGE;
const MOST_FEATURES = 50;
const settingsSchema = {
  type: 'object',
  properties: { months: { type: 'integer', minimum: 1, maximum: 24, default: 6 } },
  additionalProperties: false,
};

/** How large a widget is when it is put onto a dashboard. */
export class WidgetSize {
  /**
   * Columns, of 12.
   * @example 6
   */
  @IsInt()
  @Min(1)
  @Max(12)
  w!: number;

  /**
   * Rows.
   * @example 4
   */
  @IsInt()
  @Min(1)
  @Max(50)
  h!: number;
}

/** What of a widget may be left out. */
class WidgetFields {
  /** What it shows, and from where. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Sales by step, from the reports' })
  @IsOptional()
  @IsString()
  @MaxLength(2_000)
  description?: string | null;

  /** Keys of the features that an organization needs for it, all of them; none: every organization can use it. */
  @ApiPropertyOptional({ type: [String], example: [] })
  @ValidateIf((_, value) => value !== undefined)
  @IsArray()
  @ArrayMaxSize(MOST_FEATURES)
  @ArrayUnique()
  @Matches(FEATURE_KEY, { each: true, message: 'each of requiredFeatures has to be the key of a feature' })
  requiredFeatures?: string[];

  /**
   * JSON Schema (2020-12, or draft-07 where `$schema` says so) of the settings that each person can give it; null: it has
   * none. No settings at all, `{}`, have to fit it: what was just placed has none.
   */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    example: settingsSchema,
  })
  @IsOptional()
  @IsObject()
  settingsSchema?: JsonObject | null;
}

/** Bodies that Swagger UI offers. */
export const widgetExamples = {
  everybody: {
    summary: 'One that every organization can use',
    value: {
      key: 'sales-funnel',
      name: 'Sales funnel',
      description: 'Sales by step',
      type: 'chart',
      defaultSize: { w: 6, h: 4 },
      settingsSchema,
    },
  },
  feature: {
    summary: 'One that needs a feature',
    value: {
      key: 'newest-reports',
      name: 'Newest reports',
      description: 'What was reported last',
      type: 'list',
      defaultSize: { w: 4, h: 4 },
      requiredFeatures: ['reports'],
    },
  },
};

/** Puts a widget into the library. */
export class CreateWidgetRequest extends WidgetFields {
  /**
   * What dashboards know it by: 1 to 100 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first; it cannot be changed.
   * @example sales-funnel
   */
  @IsString()
  @Matches(WIDGET_KEY, WIDGET_KEY_MESSAGE)
  key!: string;

  /**
   * What people call it.
   * @example "Sales funnel"
   */
  @IsDisplayName()
  name!: string;

  /**
   * What draws it, by the word that your product has for it, such as `metric`, `chart`, `list`, `table`.
   * @example chart
   */
  @IsString()
  @Matches(WIDGET_KEY, WIDGET_KEY_MESSAGE)
  type!: string;

  /** How large it is at first. */
  @IsObject()
  @ValidateNested()
  @Type(() => WidgetSize)
  defaultSize!: WidgetSize;
}

/** Changes a widget. What is left out stays, null clears; `requiredFeatures` and `settingsSchema` are replaced as a whole. */
export class UpdateWidgetRequest extends WidgetFields {
  /**
   * What people call it.
   * @example "Sales funnel"
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsDisplayName()
  name?: string;

  /**
   * What draws it.
   * @example chart
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsString()
  @Matches(WIDGET_KEY, WIDGET_KEY_MESSAGE)
  type?: string;

  /** How large it is at first. */
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  @ValidateNested()
  @Type(() => WidgetSize)
  defaultSize?: WidgetSize;
}

/** Names a widget. */
export class WidgetPath {
  /**
   * Key of the widget.
   * @example sales-funnel
   */
  @Matches(WIDGET_KEY, WIDGET_KEY_MESSAGE)
  key!: string;
}

/** Which widgets to list, by key. */
export class WidgetsQuery extends PageQuery {
  /**
   * Only those of this type.
   * @example chart
   */
  @IsOptional()
  @Matches(WIDGET_KEY, WIDGET_KEY_MESSAGE)
  type?: string;

  /**
   * Only those that need the feature of this key.
   * @example reports
   */
  @IsOptional()
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  requiredFeature?: string;

  /**
   * Part of key, name or description.
   * @example usage
   */
  @IsOptional()
  @IsString()
  @MaxLength(120)
  q?: string;
}

/** Which widgets to list, and where an organization is asked for its features. */
export class OrganizationWidgetsQuery extends WidgetsQuery {
  /**
   * Key of the environment; `production` when left out, for an API key its own.
   * @example staging
   */
  @IsOptional()
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment?: string;
}
