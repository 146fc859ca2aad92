import { LRUCache } from 'lru-cache';
import { parseJsonBody } from '../../kernel/json-body.js';
import { contextFault, type EvaluationContext } from '../evaluation/context.js';
import type { EvaluationScope } from '../evaluation/evaluation.service.js';
import { entityTag, nextChange, standing, stateOf } from './entity-tag.js';
import { OfrepError } from './ofrep-errors.js';

/** An entity tag, and what it was made of beside the context: of another one the tag is another. */
interface Named {
  tag: string;
  /** The API key, and with it organization and environment. */
  keyId: string;
  /** Of the token of the change stream in the answer: whoever has an old one has to get a new one. */
  window: number;
  revision: number;
  plan: string;
  overrides: string;
  /** The instants, in ms, from which and until which time alone changes nothing. */
  since: number;
  until: number;
}

/** A context that flags are asked with, and the entity tag of the answer with all flags that it had last. */
export class AskedContext {
  private last: Named | null = null;

  constructor(readonly attributes: EvaluationContext) {}

  /** The {@link entityTag} of the answer: made once, in 3 µs, for as long as it is the same. */
  tagIn(scope: EvaluationScope, keyId: string, window: number): string {
    const { revision, organization, now } = scope;
    const overrides = standing(organization.overrides, now);
    const { last } = this;
    if (
      last &&
      last.keyId === keyId &&
      last.window === window &&
      last.revision === revision &&
      last.plan === organization.plan &&
      last.overrides === overrides &&
      last.since <= now &&
      now < last.until
    )
      return last.tag;
    const tag = entityTag(stateOf(scope), `${keyId} ${window}`, this.attributes);
    // Nothing of the snapshot itself, which would be kept for as long as this is.
    const { plan } = organization;
    this.last = { tag, keyId, window, revision, plan, overrides, since: now, until: nextChange(scope) };
    return tag;
  }
}

/** Of a request without a body. */
export const NO_CONTEXT = new AskedContext({});

/** A longer body is read each time. */
const LONGEST_KNOWN_BYTES = 1_024;
/** 5,000 contexts of 150 bytes. */
const KNOWN_BYTES = 16 * 1024 * 1024;
/** What a byte of a body takes in memory at worst: as objects with one key each, all of them different. */
const BYTES_PER_BYTE = 21;
/** The context itself, its tag and its place. */
const OWN_BYTES = 500;

/**
 * Reads what flags are asked with. Clients ask with the same body again and again, and it is read once: 4 µs. Each key has
 * its own, and who has none has none.
 */
export class AskedContexts {
  private readonly known = new LRUCache<string, AskedContext>({
    maxSize: KNOWN_BYTES,
    sizeCalculation: (_, { length }) => length * BYTES_PER_BYTE + OWN_BYTES,
  });

  /** @throws Problem `malformed_json`; OfrepError PARSE_ERROR, INVALID_CONTEXT. */
  read(body: Buffer, keyId: string | undefined): AskedContext {
    if (keyId === undefined || body.length > LONGEST_KNOWN_BYTES) return readContext(body);
    // A character for each byte, whatever the bytes mean: other bodies have other texts. Ids of keys are all of one length.
    const name = keyId + body.toString('latin1');
    let context = this.known.get(name);
    if (!context) this.known.set(name, (context = readContext(body)));
    return context;
  }
}

/** The context of a body; without one it is empty. What else stands in a body is for servers that know it. */
function readContext(bytes: Buffer): AskedContext {
  const body = parseJsonBody(bytes);
  if (body === undefined) return NO_CONTEXT;
  if (!isRecord(body)) throw new OfrepError(400, 'PARSE_ERROR', 'The body has to be an object');
  const { context = {} } = body;
  if (!isRecord(context)) throw new OfrepError(400, 'INVALID_CONTEXT', 'The context has to be an object');
  const fault = contextFault(context);
  if (fault !== null) throw new OfrepError(400, 'INVALID_CONTEXT', fault.message);
  return new AskedContext(context);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
