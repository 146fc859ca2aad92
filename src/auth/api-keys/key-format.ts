import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PREFIX = 'tnn_';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Of 62 signs each: 214 bits. */
const RANDOM_LENGTH = 36;
/** 62⁶ is more than the 2³² of CRC-32. */
const CHECKSUM_LENGTH = 6;
/** The largest multiple of 62 that a byte can be below: what is above would make some signs likelier than others. */
const UNBIASED = 256 - (256 % DIGITS.length);
const FORM = new RegExp(`^${PREFIX}([0-9A-Za-z]{${RANDOM_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`);

/**
 * A new API key: `tnn_`, 36 random signs and a checksum of six. Nothing but letters and digits after the prefix, so that
 * a double click takes all of it and a scanner for secrets finds it: `\btnn_[0-9A-Za-z]{42}\b`.
 */
export function newApiKey(): string {
  let random = '';
  while (random.length < RANDOM_LENGTH)
    for (const byte of randomBytes(RANDOM_LENGTH))
      if (byte < UNBIASED && random.length < RANDOM_LENGTH) random += DIGITS[byte % DIGITS.length];
  return `${PREFIX}${random}${checksumOf(random)}`;
}

/** Whether a text says that it is an API key, right or wrong. */
export function looksLikeApiKey(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Whether a text can be an API key: one that was mistyped or made up is refused without asking the database. */
export function isApiKey(text: string): boolean {
  const [, random, checksum] = FORM.exec(text) ?? [];
  return random !== undefined && checksumOf(random) === checksum;
}

/** What is shown of a key, so that people can tell theirs apart. */
export function hintOf(key: string): string {
  return key.slice(-4);
}

function checksumOf(random: string): string {
  let [rest, text] = [crc32(random), ''];
  for (; text.length < CHECKSUM_LENGTH; rest = Math.floor(rest / DIGITS.length))
    text = DIGITS[rest % DIGITS.length]! + text;
  return text;
}
