/**
 * MurmurHash3 x86_32, by Austin Appleby, who placed it in the public domain:
 * https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
 *
 * What is hashed begins with a salt that is known when a feature is compiled. Its state is kept, so that a question costs
 * the bytes of the asked text alone.
 */
export interface HashState {
  /** The hash of the whole blocks so far. */
  readonly hash: number;
  /** The bytes after the last whole block, the first lowest, and how many bits they fill: 0, 8, 16 or 24. */
  readonly rest: number;
  readonly restBits: number;
  /** Bytes so far. */
  readonly length: number;
}

/** The state after a text. */
export function hashState(prefix: string, seed = 0): HashState {
  return appendBytes({ hash: seed | 0, rest: 0, restBits: 0, length: 0 }, Buffer.from(prefix));
}

/** The hash of the state's text followed by this one, in UTF-8; a lone surrogate counts as U+FFFD. */
export function hashAfter(state: HashState, text: string): number {
  const length = text.length;
  let hash = state.hash;
  let block = state.rest;
  let bits = state.restBits;
  let index = 0;
  let seen = 0;
  if (bits > 0) {
    while (bits < 32 && index < length) {
      const unit = text.charCodeAt(index++);
      seen |= unit;
      block |= unit << bits;
      bits += 8;
    }
    if (bits === 32) {
      hash = mix(hash, block);
      block = 0;
      bits = 0;
    }
  }
  for (; index + 4 <= length; index += 4) {
    const a = text.charCodeAt(index);
    const b = text.charCodeAt(index + 1);
    const c = text.charCodeAt(index + 2);
    const d = text.charCodeAt(index + 3);
    seen |= a | b | c | d;
    hash = mix(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  for (; index < length; index++, bits += 8) {
    const unit = text.charCodeAt(index);
    seen |= unit;
    block |= unit << bits;
  }
  // Nearly every key is ASCII, where a code unit is a byte. Looking first would read the text twice.
  if (seen > 0x7f) return finish(appendBytes(state, Buffer.from(text)));
  return avalanche(hash ^ scramble(block) ^ (state.length + length));
}

function appendBytes(state: HashState, bytes: Uint8Array): HashState {
  let { hash, rest, restBits } = state;
  for (const byte of bytes) {
    rest |= byte << restBits;
    restBits += 8;
    if (restBits < 32) continue;
    hash = mix(hash, rest);
    rest = 0;
    restBits = 0;
  }
  return { hash, rest, restBits, length: state.length + bytes.length };
}

function finish({ hash, rest, length }: HashState): number {
  return avalanche(hash ^ scramble(rest) ^ length);
}

function scramble(block: number): number {
  const k = Math.imul(block, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}

function mix(hash: number, block: number): number {
  const h = hash ^ scramble(block);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function avalanche(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
