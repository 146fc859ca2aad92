import type { JsonObject } from '../../../kernel/json.js';
import type { FieldError } from '../../../kernel/problem.js';

/** How wide a dashboard is. */
export const COLUMNS = 12;

/** A widget where somebody put it, in columns and rows from the left and from above. */
export interface PlacedWidget {
  /** What it is known by on its dashboard; the same widget can stand there more than once. */
  id: string;
  /** Key of the widget. */
  widget: string;
  x: number;
  y: number;
  w: number;
  h: number;
  settings: JsonObject;
}

type Place = Omit<PlacedWidget, 'widget' | 'settings'>;

/** What of a layout cannot be: an id twice, a widget beyond the last column, two where there is room for one. */
export function layoutFaults(places: readonly Place[]): FieldError[] {
  return places.flatMap((place, index) => {
    const faults: FieldError[] = [];
    const before = places.slice(0, index);
    const fault = (code: string, message: string): unknown => faults.push({ field: `layout.${index}`, code, message });
    if (before.some(({ id }) => id === place.id)) fault('id_taken', `"${place.id}" stands in the layout twice`);
    if (place.x + place.w > COLUMNS)
      fault('out_of_bounds', `"${place.id}" ends at column ${place.x + place.w} of ${COLUMNS}`);
    const covered = before.filter((other) => overlap(place, other)).map(({ id }) => `"${id}"`);
    if (covered.length > 0) fault('widgets_overlap', `"${place.id}" overlaps ${covered.join(', ')}`);
    return faults;
  });
}

/** Places widgets from left to right, each row as high as the highest in it. */
export function flow(widgets: readonly { key: string; defaultSize: { w: number; h: number } }[]): PlacedWidget[] {
  let [x, y, height] = [0, 0, 0];
  return widgets.map(({ key, defaultSize: { w, h } }) => {
    if (x + w > COLUMNS) [x, y, height] = [0, y + height, 0];
    const placed = { id: key, widget: key, x, y, w, h, settings: {} };
    x += w;
    height = Math.max(height, h);
    return placed;
  });
}

function overlap(one: Place, other: Place): boolean {
  return one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;
}
