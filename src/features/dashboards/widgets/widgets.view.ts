import { ApiProperty } from '@nestjs/swagger';
import type { JsonObject } from '../../../kernel/json.js';
import { PageLinks, PageMeta } from '../../../kernel/lists.js';
import { WidgetSize } from './widgets.dto.js';
import type { WidgetFacts } from './widgets.queries.js';

/** Something that can be placed on dashboards. */
export class WidgetView {
  /**
   * What dashboards know it by.
   * @example recent-activity
   */
  key!: string;
  /**
   * What people call it.
   * @example "Recent activity"
   */
  name!: string;
  /** What it shows, and from where. */
  @ApiProperty({ type: String, nullable: true, example: 'The newest entries of the trail' })
  description!: string | null;
  /**
   * What draws it.
   * @example list
   */
  type!: string;
  /**
   * Keys of the features that an organization needs for it, all of them.
   * @example []
   */
  requiredFeatures!: string[];
  /** JSON Schema of its settings; null: it has none. */
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    example: {
      type: 'object',
      properties: { rows: { type: 'integer', minimum: 1, maximum: 50 } },
      additionalProperties: false,
    },
  })
  settingsSchema!: JsonObject | null;
  /** How large it is at first. */
  defaultSize!: WidgetSize;
  /**
   * Counts its changes; the ETag holds it.
   * @example 3
   */
  version!: number;
  /**
   * When it was made.
   * @example 2026-11-25T08:00:00.000Z
   */
  createdAt!: string;
  /**
   * When it was last changed.
   * @example 2026-11-25T08:00:00.000Z
   */
  updatedAt!: string;
}

/** A page of the library. */
export class WidgetPageView {
  /** The widgets of this page. */
  data!: WidgetView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toWidgetView({ createdAt, updatedAt, ...facts }: WidgetFacts): WidgetView {
  return { ...facts, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
