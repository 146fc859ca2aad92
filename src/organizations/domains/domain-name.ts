import { domainToASCII, domainToUnicode } from 'node:url';
import { getDomain } from 'tldts';
import { invalidField, type Problem } from '../../kernel/problem.js';
import { imitatesLatin, isOfOneScript } from './label-scripts.js';

/** The label below which a domain is proven. Its underscore keeps it apart from host names (RFC 8552). */
const CHALLENGE_LABEL = '_tenon-challenge';
/** A name has at most 253 characters (RFC 1035, 2.3.4), and the record's is longer than the domain's. */
const MAX_DOMAIN = 253 - `${CHALLENGE_LABEL}.`.length;
/** Characters of input worth looking at; NFKC can make eighteen of one. */
export const MAX_TYPED = 512;

/** What `domainToASCII` may see: it would take `/`, `:` or `%41` for parts of a URL, and drop what is invisible. */
const TYPED = /^[\p{L}\p{M}\p{N}.。-]+$/u;
/** Letters, digits and hyphens within (RFC 1123, 2.1). */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Only A-labels have hyphens there (RFC 5891, 4.2.3.1). */
const RESERVED = /^..--/;

/**
 * Ends of names that nobody owns, or that mean something else in each network: RFC 6761 (localhost, invalid), 6762
 * (local), 7686 (onion), 9476 (alt), 3172 (arpa), and ICANN's resolution 2024.07.29.06 (internal). `test` and `example`
 * are not among them: in public DNS nobody can prove them anyway, and tests and documentation need them.
 */
const SPECIAL_USE = new Set(['localhost', 'invalid', 'local', 'onion', 'alt', 'arpa', 'internal']);

/**
 * The one spelling under which a domain is claimed: lower-case ASCII (`bücher.example` is `xn--bcher-kva.example`, by
 * UTS 46), without trailing dot.
 * @throws Problem `validation_failed` with the field `domain` for what nobody can own: no domain name, a name of special
 * use, a public suffix; and for a name that is made to be mistaken for another one (UTS 39).
 */
export function readDomain(input: string): string {
  const typed = input.normalize('NFKC').trim();
  const domain = TYPED.test(typed) ? domainToASCII(typed).replace(/\.$/, '') : '';
  const labels = domain.split('.');
  const top = labels.at(-1)!;
  // Of a top level without letter, what comes before is an IP address.
  if (labels.length < 2 || !labels.every(isLabel) || !/[a-z]/.test(top))
    throw refused('domain_invalid', 'A domain is a name such as example.com: no address, no URL, two labels or more');
  if (domain.length > MAX_DOMAIN)
    throw refused('domain_too_long', `With the name of its record a domain has at most ${MAX_DOMAIN} characters`);
  if (SPECIAL_USE.has(top)) throw refused('domain_special_use', `Names below .${top} belong to nobody`);
  // Private ones too, such as github.io: below them live strangers.
  if (getDomain(domain, { allowPrivateDomains: true }) === null)
    throw refused('domain_public_suffix', `${domain} is a public suffix, below which others have their domains`);
  const shown = labels.map((label) => domainToUnicode(label));
  if (!shown.every(isOfOneScript))
    throw refused('domain_mixed_scripts', `${domain} mixes scripts, as names do that imitate others (UTS 39)`);
  if (!RESERVED.test(top) && shown.some(imitatesLatin))
    throw refused('domain_looks_latin', `${domain} has only letters that are mistaken for Latin ones (UTS 39)`);
  return domain;
}

/** Where the TXT record that proves a domain has to stand. */
export function recordName(domain: string): string {
  return `${CHALLENGE_LABEL}.${domain}`;
}

/** What the record has to be, to the letter. */
export function recordValue(challenge: string): string {
  return `tenon-verification=${challenge}`;
}

function isLabel(label: string): boolean {
  if (!LABEL.test(label)) return false;
  if (!RESERVED.test(label)) return true;
  // What is no valid A-label stays as it is.
  const shown = domainToUnicode(label);
  return shown !== label && TYPED.test(shown);
}

function refused(code: string, message: string): Problem {
  return invalidField('domain', code, message);
}
