import { applyDecorators } from '@nestjs/common';
import { ValidateBy } from 'class-validator';
import { newToken } from '../kernel/tokens.js';

/** Groups of lower-case letters and digits with one hyphen between, 2 to 60 in all: fits a label of DNS (RFC 1123, 2.1). */
export const SLUG = /^(?=.{2,60}$)[a-z0-9]+(?:-[a-z0-9]+)*$/;
/** Room for a hyphen and a suffix. */
const MAX_FROM_NAME = 50;

/** What would be taken for a part of the product itself, in an address or a host name. */
const RESERVED = new Set(
  `about account accounts admin administrator api app assets auth autodiscover billing blog cdn contact dashboard dev docs
   email features ftp health help imap internal invitations localhost login logout mail me metrics mx new ns organizations
   plans pop postmaster privacy public register root scim search security settings signin signup smtp sso staging static
   status support system tenon terms test users webhooks webmaster well-known wpad www`.split(/\s+/),
);

/** A field that holds a slug somebody chose. */
export function IsSlug(): PropertyDecorator {
  return applyDecorators(
    ValidateBy({
      name: 'isSlug',
      validator: {
        validate: (value: unknown) => typeof value === 'string' && SLUG.test(value),
        defaultMessage: () => '$property has to be 2 to 60 lower-case letters, digits and single hyphens between them',
      },
    }),
    ValidateBy({
      name: 'slugReserved',
      validator: {
        validate: (value: unknown) => typeof value !== 'string' || !RESERVED.has(value),
        defaultMessage: () => '$property is a word that no organization can have',
      },
    }),
  );
}

/** Slugs for a name, in the order in which to try them: its own where it can be one, then with 8 characters more. */
export function slugsFor(name: string): string[] {
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, MAX_FROM_NAME)
    .replace(/-$/, '');
  const base = slug || 'organization';
  const own = SLUG.test(base) && !RESERVED.has(base) ? [base] : [];
  return [...own, `${base}-${suffix()}`];
}

/** 40 bits and more. */
function suffix(): string {
  return newToken(6)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, 'x');
}
