import { ApiProperty } from '@nestjs/swagger';
import type { JsonObject } from '../../../kernel/json.js';
import { PageLinks, PageMeta } from '../../../kernel/lists.js';
import { AvailabilityView } from './availability.view.js';
import { WidgetSize } from './widgets.dto.js';

/** A widget of the library, and whether the organization can use it. */
export class OrganizationWidgetView extends AvailabilityView {
  /**
   * What dashboards know it by.
   * @example sales-funnel
   */
  key!: string;
  /**
   * What people call it.
   * @example "Sales funnel"
   */
  name!: string;
  /** What it shows, and from where. */
  @ApiProperty({ type: String, nullable: true, example: 'Sales by step, from the reports' })
  description!: string | null;
  /**
   * What draws it.
   * @example chart
   */
  type!: string;
  /** JSON Schema of the settings that you can give it on your dashboard; null: it has none. */
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    example: {
      type: 'object',
      properties: { months: { type: 'integer', minimum: 1, maximum: 24 } },
      additionalProperties: false,
    },
  })
  settingsSchema!: JsonObject | null;
  /** How large to place it, unless somebody wishes otherwise. */
  defaultSize!: WidgetSize;
}

/** A page of the library as an organization can use it. */
export class OrganizationWidgetPageView {
  /** The widgets of this page. */
  data!: OrganizationWidgetView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}
