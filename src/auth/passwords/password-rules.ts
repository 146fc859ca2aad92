import { explainCommon } from './common-passwords.js';

/** Characters. NIST asks for at least 64; more than this is no password any more, and costs time to look at. */
const MAX_LENGTH = 256;

/** Shorter pieces of a name are parts of ordinary words. */
const MIN_IDENTITY = 5;

export interface PasswordRules {
  /** Characters: `PASSWORD_MIN_LENGTH`, or 8 where a second factor is required. */
  minLength: number;
  /** Whose password it will be. */
  identity: { email: string; fullName: string };
}

/** Why a password is refused; for `errors[]` of a problem. The message holds no part of the password. */
export interface PasswordRefusal {
  code: 'password_too_short' | 'password_too_long' | 'password_too_common' | 'password_contains_identity';
  message: string;
}

/**
 * Everything that is wrong with a new password, nothing if it may be used. Length in code points after NFC, a blocklist,
 * the person's own name; no rules about kinds of characters (NIST SP 800-63B-4, 3.1.1.2).
 */
export function checkPassword(password: string, { minLength, identity }: PasswordRules): PasswordRefusal[] {
  const normalized = password.normalize('NFC');
  // A character has two units at most: a megabyte is not taken apart to be counted.
  const { length } = normalized.length > 2 * MAX_LENGTH ? normalized : [...normalized];
  if (length > MAX_LENGTH) {
    return [{ code: 'password_too_long', message: `The password may have at most ${MAX_LENGTH} characters` }];
  }
  const refusals: PasswordRefusal[] = [];
  if (length < minLength) {
    refusals.push({ code: 'password_too_short', message: `The password needs at least ${minLength} characters` });
  }
  const common = explainCommon(normalized);
  if (common) refusals.push({ code: 'password_too_common', message: common });
  const folded = fold(normalized);
  if (identityPieces(identity).some((piece) => folded.includes(piece))) {
    refusals.push({
      code: 'password_contains_identity',
      message: 'The password contains a part of your name or e-mail address',
    });
  }
  return refusals;
}

/**
 * The pieces of the name and of the e-mail's local part: `j.smith-jones42` gives `jones42`, `smith` and `jones`. And the
 * whole address, however short its parts are.
 */
function identityPieces({ email, fullName }: PasswordRules['identity']): string[] {
  const localPart = email.slice(0, email.lastIndexOf('@'));
  return [fullName, localPart]
    .map(fold)
    .flatMap((text) => [...text.split(/[^\p{L}\p{M}\p{N}]+/u), ...text.split(/[^\p{L}\p{M}]+/u)])
    .concat(fold(email))
    .filter((piece) => [...piece].length >= MIN_IDENTITY);
}

/** Case-folding as near as JavaScript has it: by upper case, so that ß and ss are the same. */
function fold(text: string): string {
  return text.normalize('NFKC').toUpperCase().toLowerCase();
}
