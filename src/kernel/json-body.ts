import { PROTOTYPE_KEYS } from './json.js';
import { problem } from './problem.js';

/** Deeper than any schema of ours; JSON.parse itself recurses and would end the stack near 10⁵. */
const MAX_DEPTH = 32;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Parses a body more strictly than JSON.parse: duplicate keys (of which parsers keep different ones, RFC 8259 section
 * 4), keys that reach a prototype, NUL, lone surrogates, null alone and nesting beyond {@link MAX_DEPTH} are refused.
 * @throws Problem `malformed_json` that says which.
 */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    const text = UTF8.decode(body);
    const written = countKeys(text);
    const value: unknown = JSON.parse(text);
    // Validation takes null for an empty object.
    if (value === null) throw new Refusal('The body is null');
    // Of keys that are written twice, however, JSON.parse keeps one.
    if (inspect(value, text.includes('\\')) < written) throw new Refusal('The body holds a key twice');
    return value;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError)
      throw problem('malformed_json', { detail: error instanceof Refusal ? error.message : undefined, cause: error });
    throw error;
  }
}

class Refusal extends SyntaxError {}

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

/** How many keys are written in a text, if it is JSON: outside of strings, each has a colon. */
function countKeys(text: string): number {
  let [keys, depth] = [0, 0];
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case COLON:
        keys += 1;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (++depth > MAX_DEPTH) throw new Refusal(`The body is nested deeper than ${MAX_DEPTH} levels`);
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth -= 1;
    }
  }
  return keys;
}

function endOfString(text: string, start: number): number {
  for (let end = start; (end = text.indexOf('"', end + 1)) > 0;) {
    let unescaped = end;
    while (text.charCodeAt(unescaped - 1) === BACKSLASH) unescaped -= 1;
    if ((end - unescaped) % 2 === 0) return end;
  }
  throw new Refusal('The body ends inside a text');
}

/**
 * How many keys a value has, over all levels.
 * @param escapes whether anything was escaped: NUL and half characters cannot be written otherwise.
 * @throws Refusal for what no key or text may be.
 */
function inspect(value: unknown, escapes: boolean): number {
  if (typeof value === 'string' && escapes) refuseUnlessText(value);
  if (typeof value !== 'object' || value === null) return 0;
  let keys = 0;
  if (Array.isArray(value)) for (const item of value) keys += inspect(item, escapes);
  else
    for (const key of Object.keys(value)) {
      if (PROTOTYPE_KEYS.has(key)) throw new Refusal(`The body holds the key "${key}"`);
      if (escapes) refuseUnlessText(key);
      keys += 1 + inspect((value as Record<string, unknown>)[key], escapes);
    }
  return keys;
}

function refuseUnlessText(string: string): void {
  if (string.includes('\0') || !string.isWellFormed()) throw new Refusal('The body holds a character that is no text');
}
