/** JSON in which the order of keys and the way in which numbers are written say nothing: equal values, one text. */
export function canonical(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  // A number that JSON cannot write is not null.
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  let text = '';
  for (const key of Object.keys(value).sort())
    text += `${text && ','}${JSON.stringify(key)}:${canonical((value as Record<string, unknown>)[key])}`;
  return `{${text}}`;
}
