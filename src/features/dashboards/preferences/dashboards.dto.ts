import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsOptional, Matches, Max, Min, ValidateIf } from 'class-validator';
import { AreObjects } from '../../../kernel/are-objects.js';
import { ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE } from '../../../environments/environments.dto.js';
import type { JsonObject } from '../../../kernel/json.js';
import { IsFeatureValue } from '../../feature-value.js';
import { WIDGET_KEY, WIDGET_KEY_MESSAGE } from '../widgets/widgets.dto.js';
import { type Theme, THEMES } from './dashboard-preferences.entity.js';
import { dashboardExamples } from './dashboards.examples.js';
import { COLUMNS } from './layout.js';

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const MOST_WIDGETS = 60;
const LAST_ROW = 1_000;

/** A widget where it is to stand. */
export class PlacedWidgetRequest {
  /**
   * What it is known by on this dashboard, as you like; no two have the same. One widget can stand there more than once.
   * @example seats
   */
  @Matches(ID, { message: 'id has to be up to 100 letters, digits, dots, underscores and hyphens' })
  id!: string;

  /**
   * Key of the widget.
   * @example seats-used
   */
  @Matches(WIDGET_KEY, WIDGET_KEY_MESSAGE)
  widget!: string;

  /**
   * First column, from 0.
   * @example 0
   */
  @IsInt()
  @Min(0)
  @Max(COLUMNS - 1)
  x!: number;

  /**
   * First row, from 0.
   * @example 0
   */
  @IsInt()
  @Min(0)
  @Max(LAST_ROW)
  y!: number;

  /**
   * Columns: `x` and `w` together are at most 12.
   * @example 3
   */
  @IsInt()
  @Min(1)
  @Max(COLUMNS)
  w!: number;

  /**
   * Rows.
   * @example 2
   */
  @IsInt()
  @Min(1)
  @Max(LAST_ROW)
  h!: number;

  /** What you set of it, by its `settingsSchema`; none when left out. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, example: {} })
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  @IsFeatureValue()
  settings?: JsonObject;
}

/** A whole dashboard. */
export class PutDashboardRequest {
  /** Its widgets, at most 60, on a grid of 12 columns; no two may overlap. */
  @ApiProperty({ type: [PlacedWidgetRequest], example: dashboardExamples.first.value.layout })
  @AreObjects(MOST_WIDGETS)
  @Type(() => PlacedWidgetRequest)
  layout!: PlacedWidgetRequest[];

  /**
   * Its colours; `system`: as the device has them.
   * @example dark
   */
  @ApiProperty({ enum: THEMES })
  @IsIn(THEMES)
  theme!: Theme;
}

/** Where the organization is asked for its features. */
export class DashboardQuery {
  /**
   * Key of the environment by which widgets are available or not; `production` when left out.
   * @example staging
   */
  @IsOptional()
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment?: string;
}
