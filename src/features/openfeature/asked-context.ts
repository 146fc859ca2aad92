import { LRUCache } from 'lru-cache';
import { parseJsonBody } from '../../kernel/json-body.js';
import { contextFault, type EvaluationContext } from '../evaluation/context.js';
import type { EvaluationScope } from '../evaluation/evaluation.service.js';
import { entityTag, nextChange, standing, stateOf } from './entity-tag.js';
import { OfrepError } from './ofrep-errors.js';

/** An entity tag, and what it was made of beside the context: of another one the tag is another. */
interface Named {
  tag: string;
  stream: string;
  revision: number;
  environmentKey: string;
  organizationId: string;
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
  tagIn(scope: EvaluationScope, stream: string): string {
    const { revision, environmentKey, organization, now } = scope;
    const { id: organizationId, plan } = organization;
    const overrides = standing(organization.overrides, now);
    const { last } = this;
    if (
      last &&
      last.stream === stream &&
      last.revision === revision &&
      last.environmentKey === environmentKey &&
      last.organizationId === organizationId &&
      last.plan === plan &&
      last.overrides === overrides &&
      last.since <= now &&
      now < last.until
    )
      return last.tag;
    const tag = entityTag(stateOf(scope), stream, this.attributes);
    // Nothing of the snapshot itself, which would be kept for as long as this is.
    this.last = {
      tag,
      stream,
      revision,
      environmentKey,
      organizationId,
      plan,
      overrides,
      since: now,
      until: nextChange(scope),
    };
    return tag;
  }
}

export const NO_CONTEXT = new AskedContext({});

/** A longer body is read each time, so that what is known takes 16 MiB at most. */
const LONGEST_KNOWN_BYTES = 1_024;
const MOST_KNOWN = 4_000;

/** Reads what flags are asked with. Clients ask with the same body again and again, and it is read once: 4 µs. */
export class AskedContexts {
  private readonly known = new LRUCache<string, AskedContext>({ max: MOST_KNOWN });

  /** @throws Problem `malformed_json`; OfrepError PARSE_ERROR, INVALID_CONTEXT. */
  read(body: Buffer): AskedContext {
    if (body.length > LONGEST_KNOWN_BYTES) return readContext(body);
    // A character for each byte, whatever the bytes mean: other bodies have other texts.
    const text = body.toString('latin1');
    let context = this.known.get(text);
    if (!context) this.known.set(text, (context = readContext(body)));
    return context;
  }
}

/** The context of a body; without one it is empty. What else stands in a body is for servers that know it. */
function readContext(bytes: Buffer): AskedContext {
  const body = parseJsonBody(bytes);
  if (body === undefined) return NO_CONTEXT;
  if (!isRecord(body)) throw new OfrepError(400, 'PARSE_ERROR', 'The body has to be an object');
  const { context } = body;
  if (context === undefined) return NO_CONTEXT;
  if (!isRecord(context)) throw new OfrepError(400, 'INVALID_CONTEXT', 'The context has to be an object');
  const fault = contextFault(context);
  if (fault !== null) throw new OfrepError(400, 'INVALID_CONTEXT', fault.message);
  return new AskedContext(context);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
