/** What a client says of whom it asks for: the attributes by name, `targetingKey` among them. */
export type EvaluationContext = Readonly<Record<string, unknown>>;

const MOST_ATTRIBUTES = 200;
/** Each roll-out hashes the text that it goes by, and a body may have 1 MiB. */
const LONGEST_TEXT = 2_048;

/** What is wrong with a context; null when nothing is. What lies deeper in it is not looked at by any rule. */
export function contextFault(context: EvaluationContext): string | null {
  const entries = Object.entries(context);
  if (entries.length > MOST_ATTRIBUTES) return `context may have ${MOST_ATTRIBUTES} attributes`;
  for (const [name, value] of entries)
    if (isTooLong(value) || (Array.isArray(value) && (value.length > MOST_ATTRIBUTES || value.some(isTooLong))))
      return `context.${name.slice(0, 100)} is too long: a text may have ${LONGEST_TEXT} characters, a list ${MOST_ATTRIBUTES} elements`;
  return null;
}

function isTooLong(value: unknown): boolean {
  return typeof value === 'string' && value.length > LONGEST_TEXT;
}
