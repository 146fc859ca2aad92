import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { ValidateBy, type ValidationOptions } from 'class-validator';
import { domainToASCII } from 'node:url';

/** Characters of input to look at; NFKC can make eighteen of one. */
const MAX_INPUT = 512;
/** Bytes: RFC 5321, 4.5.3.1.1, and the path of 256 less its angle brackets. */
const MAX_LOCAL_PART = 64;
const MAX_ADDRESS = 254;

/** RFC 5322 dot-atom with the letters, marks and digits of RFC 6531: no quotes, comments, spaces, control characters. */
const LOCAL_PART = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
/** What `domainToASCII` may see: it would take `/`, `:` or `%41` for parts of a URL, and drop what is invisible. */
const DOMAIN = /^[\p{L}\p{M}\p{N}.。-]+$/u;
/** Two labels or more; the last has a letter, so that no IP address passes. */
const ASCII_DOMAIN =
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The one spelling under which a mailbox has its account, or null if this is no address: NFKC, trimmed, lower case,
 * the domain in ASCII (`bücher.example` is `xn--bcher-kva.example`) and without its trailing dot. Store this and send
 * mail to this, never to what was typed. Tags (`+x`) and dots stay: what they mean is the provider's affair.
 */
export function normalizeEmail(input: string): string | null {
  if (input.length > MAX_INPUT) return null;
  // Lower case can take a character out of NFKC.
  const text = input.normalize('NFKC').trim().toLowerCase().normalize('NFKC');
  const [localPart = '', domain = '', ...more] = text.split('@');
  if (more.length > 0 || !LOCAL_PART.test(localPart) || !DOMAIN.test(domain)) return null;
  const asciiDomain = domainToASCII(domain).replace(/\.$/, '');
  if (!ASCII_DOMAIN.test(asciiDomain) || Buffer.byteLength(localPart) > MAX_LOCAL_PART) return null;
  const email = `${localPart}@${asciiDomain}`;
  return Buffer.byteLength(email) > MAX_ADDRESS ? null : email;
}

/** A field of a request that holds an e-mail address. The service gets it as {@link normalizeEmail} spells it. */
export function IsEmailAddress(options?: ValidationOptions): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' ? (normalizeEmail(value) ?? value) : value,
    ),
    ValidateBy(
      {
        name: 'isEmailAddress',
        validator: {
          validate: (value: unknown) => typeof value === 'string' && normalizeEmail(value) === value,
          defaultMessage: () => '$property has to be an e-mail address',
        },
      },
      options,
    ),
  );
}
