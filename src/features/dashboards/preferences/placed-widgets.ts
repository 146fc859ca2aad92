import type { FieldError } from '../../../kernel/problem.js';
import { equal } from '../../evaluator/values.js';
import { settingsMisfit } from '../widgets/settings-schema.js';
import type { WidgetFacts } from '../widgets/widgets.queries.js';
import type { PlacedWidget } from './layout.js';

/**
 * What cannot stand on a dashboard: widgets that are not in the library, or else the first whose settings its widget does
 * not take.
 * @param saved what stands there already, and is not asked about again.
 * @param widgets of the library, at least those that the layout names.
 */
export function placedWidgetFaults(
  layout: readonly PlacedWidget[],
  saved: readonly PlacedWidget[],
  widgets: readonly WidgetFacts[],
): FieldError[] {
  const before = new Map(saved.map((placed) => [placed.id, placed]));
  const known = new Map(widgets.map((widget) => [widget.key, widget]));
  const fresh = layout
    .map((placed, index) => ({ ...placed, index }))
    .filter(({ id, widget, settings }) => {
      const same = before.get(id);
      return same?.widget !== widget || !equal(same.settings, settings);
    });
  const unknown = fresh.filter(({ widget }) => !known.has(widget));
  if (unknown.length > 0)
    return unknown.map(({ index, widget }) => ({
      field: `layout.${index}.widget`,
      code: 'widget_unknown',
      message: `There is no widget "${widget}" in the library`,
    }));
  // Each widget's settings at once: that has one budget of time, however many they are.
  for (const [key, placed] of Map.groupBy(fresh, ({ widget }) => widget)) {
    const wrong = settingsMisfit(
      known.get(key)!.settingsSchema,
      placed.map(({ settings }) => settings),
    );
    if (!wrong) continue;
    const field = [`layout.${placed[wrong.index]!.index}.settings`, wrong.path].filter(Boolean).join('.');
    return [{ field, code: 'settings_schema_mismatch', message: `${field} ${wrong.message}` }];
  }
  return [];
}
