import type { Client } from 'pg';
import expected from '../../migrations/expected-schema.json' with { type: 'json' };
import { compareCatalogues, readCatalogue, type SchemaDifference } from './catalogue.js';

/**
 * Compares the schema of a database with what this version's migrations make: tables, columns, indexes, constraints,
 * policies, views, functions, triggers, privileges. Any login may ask.
 * @returns nothing when they are the same.
 */
export async function verifySchema(client: Client): Promise<SchemaDifference[]> {
  return compareCatalogues(expected, await readCatalogue(client));
}

/** Longer definitions, such as a function's, are not repeated. */
const SHOWN_CHARACTERS = 300;

/** A difference as one line for an operator. */
export function describeDifference({ kind, name, expected: wanted, present }: SchemaDifference): string {
  const what = `${kind === 'indexes' ? 'index' : kind === 'policies' ? 'policy' : kind.slice(0, -1)} ${name}`;
  if (present === undefined) return `missing: ${what}`;
  if (wanted === undefined) return `not expected: ${what}`;
  if (wanted.length + present.length > SHOWN_CHARACTERS) return `different: ${what}`;
  return `different: ${what}: expected "${wanted}", is "${present}"`;
}
