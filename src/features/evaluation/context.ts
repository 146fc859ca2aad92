import type { FieldError } from '../../kernel/problem.js';

/** What a client says of whom it asks for: the attributes by name, `targetingKey` among them. */
export type EvaluationContext = Readonly<Record<string, unknown>>;

const MOST_ATTRIBUTES = 200;
/** Each roll-out hashes the text that it goes by, and a body may have 1 MiB. */
const LONGEST_TEXT = 2_048;

/** What is wrong with a context; null when nothing is. What lies deeper in it is not looked at by any rule. */
export function contextFault(context: EvaluationContext): FieldError | null {
  const { targetingKey } = context;
  if (targetingKey !== undefined && typeof targetingKey !== 'string')
    return { field: 'context.targetingKey', code: 'is_string', message: 'The targetingKey has to be a text' };
  const entries = Object.entries(context);
  if (entries.length > MOST_ATTRIBUTES) return tooLarge(`context may have ${MOST_ATTRIBUTES} attributes`);
  for (const [name, value] of entries)
    if (isTooLong(value) || (Array.isArray(value) && (value.length > MOST_ATTRIBUTES || value.some(isTooLong))))
      return tooLarge(
        `context.${name.slice(0, 100)} is too long: a text may have ${LONGEST_TEXT} characters, a list ${MOST_ATTRIBUTES} elements`,
      );
  return null;
}

function tooLarge(message: string): FieldError {
  return { field: 'context', code: 'context_too_large', message };
}

function isTooLong(value: unknown): boolean {
  return typeof value === 'string' && value.length > LONGEST_TEXT;
}
