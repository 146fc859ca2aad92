import { normalizeEmail } from '../../users/email.js';
import { ImportedHashError, parseImportedHash } from './imported-hashes.js';
import { readLines } from './ndjson-lines.js';

/** A person of another system. */
export interface ImportedUser {
  /** As `normalizeEmail` spells it. */
  email: string;
  fullName?: string;
  /** Of a scheme and cost that we verify; without it the person has to set a password by "forgot password". */
  passwordHash?: string;
  emailVerified?: boolean;
  /** The person's id in the other system. */
  externalId?: string;
}

export interface ImportRefusal {
  code: string;
  /** For the report; holds no part of the line. */
  message: string;
}

/** What became of one line of the file, counted from 1. */
export type ImportLine = { line: number; user: ImportedUser } | { line: number; refused: ImportRefusal };

const MAX_LINE_BYTES = 64 * 1024;
const MAX_TEXT = 200;

const UNREADABLE = {
  too_long: { code: 'line_too_long', message: `A line may have at most ${MAX_LINE_BYTES} bytes` },
  not_utf8: { code: 'not_utf8', message: 'The line is not UTF-8' },
};

class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Reads people from NDJSON: a line `{"email", "fullName", "passwordHash", "emailVerified", "externalId"}` each, only
 * `email` required. Empty lines are passed over. A line that cannot be taken is told with its reason and the others go
 * on. Memory does not grow with the file; hashes are parsed, none is computed. Whether an e-mail exists already, in
 * the file or in the database, is for the caller to find.
 */
export async function* readImport(source: AsyncIterable<Uint8Array>): AsyncGenerator<ImportLine> {
  for await (const read of readLines(source, MAX_LINE_BYTES)) {
    const { line } = read;
    if ('refused' in read) yield { line, refused: UNREADABLE[read.refused] };
    else if (read.text.trim() !== '') yield readUser(line, read.text);
  }
}

function readUser(line: number, text: string): ImportLine {
  try {
    return { line, user: toUser(parseObject(text)) };
  } catch (error) {
    if (error instanceof Refused) return { line, refused: { code: error.code, message: error.message } };
    if (error instanceof ImportedHashError) {
      return { line, refused: { code: `password_hash_${error.code}`, message: error.message } };
    }
    throw error;
  }
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refused('malformed_json', 'The line is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refused('malformed_json', 'The line is not a JSON object');
  }
  return value as Record<string, unknown>;
}

function toUser({
  email,
  fullName,
  passwordHash,
  emailVerified,
  externalId,
  ...unknown
}: Record<string, unknown>): ImportedUser {
  if (Object.keys(unknown).length > 0) {
    throw new Refused('unknown_property', 'Only email, fullName, passwordHash, emailVerified and externalId are known');
  }
  const normalized = typeof email === 'string' ? normalizeEmail(email) : null;
  if (normalized === null) throw new Refused('email_invalid', 'email has to be an e-mail address');
  if (emailVerified !== undefined && typeof emailVerified !== 'boolean') {
    throw new Refused('email_verified_invalid', 'emailVerified has to be true or false');
  }
  return {
    email: normalized,
    fullName: toText(fullName, 'full_name_invalid', 'fullName'),
    passwordHash: toHash(passwordHash),
    emailVerified,
    externalId: toText(externalId, 'external_id_invalid', 'externalId'),
  };
}

/** A text on one line that PostgreSQL can keep: no control characters, no lone surrogates. */
function toText(value: unknown, code: string, name: string): string | undefined {
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value.trim() : '';
  if (text === '' || [...text].length > MAX_TEXT || /[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text)) {
    throw new Refused(code, `${name} has to be a text of 1 to ${MAX_TEXT} characters on one line`);
  }
  return text;
}

function toHash(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new Refused('password_hash_malformed', 'passwordHash has to be a text');
  parseImportedHash(value);
  return value;
}
