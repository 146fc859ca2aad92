import { problem } from './problem.js';

/** Deeper than any schema of ours; JSON.parse itself recurses and would end the stack near 10⁵. */
const MAX_DEPTH = 32;
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Parses a body more strictly than JSON.parse: duplicate keys (of which parsers keep different ones, RFC 8259 section
 * 4), keys that reach a prototype, NUL, lone surrogates, null alone and nesting beyond {@link MAX_DEPTH} are refused.
 * @throws Problem `malformed_json` that says which.
 */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    scan(text);
    value = JSON.parse(text);
    // Validation takes null for an empty object.
    if (value === null) throw new Refusal('The body is null');
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError)
      throw problem('malformed_json', { detail: error instanceof Refusal ? error.message : undefined, cause: error });
    throw error;
  }
  return value;
}

class Refusal extends SyntaxError {}

/** One pass over the text; JSON.parse checks the grammar afterwards. */
function scan(text: string): void {
  // For each open object its keys, for each open array null.
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!;
    if (char === '"') {
      const end = endOfString(text, at);
      const token = text.slice(at, end + 1);
      const string = token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
      if (string.includes('\0') || !string.isWellFormed())
        throw new Refusal('The body holds a character that is no text');
      at = end;
      if (isKey(text, end + 1)) addKey(open.at(-1), string);
    } else if (char === '{' || char === '[') {
      open.push(char === '{' ? new Set() : null);
      if (open.length > MAX_DEPTH) throw new Refusal(`The body is nested deeper than ${MAX_DEPTH} levels`);
    } else if (char === '}' || char === ']') {
      open.pop();
    }
  }
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at;
  }
  throw new Refusal('The body ends inside a text');
}

function isKey(text: string, from: number): boolean {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1;
  return text[at] === ':';
}

function addKey(keys: Set<string> | null | undefined, key: string): void {
  if (FORBIDDEN_KEYS.has(key)) throw new Refusal(`The body holds the key "${key}"`);
  if (!keys) return;
  if (keys.has(key)) throw new Refusal('The body holds a key twice');
  keys.add(key);
}
