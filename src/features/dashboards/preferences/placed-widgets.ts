import type { FieldError } from '../../../kernel/problem.js';
import { equal } from '../../evaluator/values.js';
import { settingsMisfits } from '../widgets/settings-schema.js';
import type { WidgetFacts } from '../widgets/widgets.queries.js';
import type { PlacedWidget } from './layout.js';

/**
 * What cannot stand on a dashboard: widgets that are not in the library, and settings that their widgets do not take.
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
  const unknown = fresh
    .filter(({ widget }) => !known.has(widget))
    .map(({ index, widget }) => ({
      field: `layout.${index}.widget`,
      code: 'widget_unknown',
      message: `There is no widget "${widget}" in the library`,
    }));
  const set = fresh.flatMap(({ index, widget, settings }) => {
    const facts = known.get(widget);
    return facts ? [{ index, schema: facts.settingsSchema, settings }] : [];
  });
  const misfits = settingsMisfits(set).map(({ index, path, message }) => {
    const field = [`layout.${set[index]!.index}.settings`, path].filter(Boolean).join('.');
    return { field, code: 'settings_schema_mismatch', message: `${field} ${message}` };
  });
  return [...unknown, ...misfits];
}
