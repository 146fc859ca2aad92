import { ApiProperty } from '@nestjs/swagger';
import type { JsonObject } from '../../../kernel/json.js';
import { type Availability, removed } from '../widgets/availability.js';
import { AvailabilityView } from '../widgets/availability.view.js';
import type { WidgetFacts } from '../widgets/widgets.queries.js';
import { type Theme, THEMES } from './dashboard-preferences.entity.js';
import type { StoredDashboard } from './dashboards.queries.js';
import { flow, type PlacedWidget } from './layout.js';

/** A widget where it stands, and whether the organization can use it now. */
export class PlacedWidgetView extends AvailabilityView {
  /**
   * What it is known by on this dashboard.
   * @example seats
   */
  id!: string;
  /**
   * Key of the widget.
   * @example seats-used
   */
  widget!: string;
  /** What people call the widget; null where it was removed from the library. */
  @ApiProperty({ type: String, nullable: true, example: 'Seats' })
  name!: string | null;
  /** What draws it; null where it was removed from the library. */
  @ApiProperty({ type: String, nullable: true, example: 'metric' })
  type!: string | null;
  /**
   * First column, from 0.
   * @example 0
   */
  x!: number;
  /**
   * First row, from 0.
   * @example 0
   */
  y!: number;
  /**
   * Columns.
   * @example 3
   */
  w!: number;
  /**
   * Rows.
   * @example 2
   */
  h!: number;
  /** What you set of it. */
  @ApiProperty({ type: 'object', additionalProperties: true, example: {} })
  settings!: JsonObject;
}

/** Your dashboard in an organization. */
export class DashboardView {
  /**
   * Whether it is the default one: you have saved none, or went back.
   * @example false
   */
  isDefault!: boolean;
  /** Its widgets, on a grid of 12 columns. */
  @ApiProperty({ type: [PlacedWidgetView] })
  layout!: PlacedWidgetView[];
  /** Its colours; `system`: as the device has them. */
  @ApiProperty({ enum: THEMES, example: 'dark' })
  theme!: Theme;
  /**
   * Counts what you saved; the ETag holds it. 0: nothing yet.
   * @example 3
   */
  version!: number;
  /** When you last changed it; null: never. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-25T08:00:00.000Z' })
  updatedAt!: string | null;
}

/** Of whoever did not arrange anything: enough to begin with, and little enough to see. */
const MOST_BY_DEFAULT = 12;

/**
 * A dashboard as its person sees it.
 * @param widgets of the library, at least those that it holds; for the default, all.
 */
export function toDashboardView(
  { layout, theme, version, updatedAt }: StoredDashboard,
  widgets: readonly WidgetFacts[],
  availabilityOf: (widget: WidgetFacts) => Availability,
): DashboardView {
  const known = new Map(widgets.map((widget) => [widget.key, { widget, availability: availabilityOf(widget) }]));
  const byDefault = (): PlacedWidget[] =>
    flow(widgets.filter(({ key }) => known.get(key)!.availability.available).slice(0, MOST_BY_DEFAULT));
  return {
    isDefault: layout === null,
    layout: (layout ?? byDefault()).map((placed) => {
      const found = known.get(placed.widget);
      return {
        ...placed,
        name: found?.widget.name ?? null,
        type: found?.widget.type ?? null,
        ...(found?.availability ?? removed(placed.widget)),
      };
    }),
    theme,
    version,
    updatedAt: updatedAt?.toISOString() ?? null,
  };
}
