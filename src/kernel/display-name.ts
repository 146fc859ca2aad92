import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { ValidateBy } from 'class-validator';

/** In code points. */
const MAX_LENGTH = 120;
// Control and format characters (line breaks, bidirectional overrides) and unassigned ones are no part of a name.
const NOT_IN_NAMES = /[\p{Cc}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u;

// Joiners and variation selectors have their place within a name, and alone they show nothing; nor do a blank of Braille
// and spaces of any kind.
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Zs}\u2800]/gu;

/** A field that holds the name of a person or an organization: trimmed, in NFC, one line of 1 to 120 characters, one of them to be seen. */
export const IsDisplayName = (): PropertyDecorator => IsOneLine('isDisplayName', 1, MAX_LENGTH);

/**
 * A field that holds a text for people: trimmed, in NFC, one line of so many characters, one of them to be seen.
 * @param name that the refusal's code is made of.
 */
export function IsOneLine(name: string, min: number, max: number): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.normalize('NFC').trim() : value)),
    ValidateBy({
      name,
      validator: {
        validate: (value: unknown) => {
          // A character has two units at most: a megabyte is not taken apart to be counted.
          if (typeof value !== 'string' || value.length > 2 * max) return false;
          const { length } = [...value];
          return length >= min && length <= max && !NOT_IN_NAMES.test(value) && value.replaceAll(INVISIBLE, '') !== '';
        },
        defaultMessage: () => `$property has to be one line of ${min} to ${max} characters`,
      },
    }),
  );
}
