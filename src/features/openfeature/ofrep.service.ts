import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Env } from '../../../config/env.js';
import type { Actor } from '../../kernel/actor.js';
import type { EvaluationContext } from '../evaluation/context.js';
import { type EvaluationScope, EvaluationService, subjectOf } from '../evaluation/evaluation.service.js';
import { type Decision, evaluate, evaluateAll } from '../evaluator/index.js';
import { FEATURE_KEY } from '../feature-key.js';
import { answerOf, FeatureUsage, userOf } from '../usage/feature-usage.js';
import type { DecidedAnswer } from '../usage/usage-counts.js';
import type { AskedContext } from './asked-context.js';
import { matches, stateId, stateOf } from './entity-tag.js';
import { fragment, lacksTargetingKey } from './fragments.js';
import { OfrepError } from './ofrep-errors.js';
import { StreamTokens } from './stream-tokens.js';

/** Where change streams are. */
export const EVENTS_PATH = '/ofrep/v1/events';

/** Clients close a stream when nobody has looked at the page for so long. */
const INACTIVITY_DELAY_SEC = 120;

/** All flags, or null when the client has them already. */
export interface BulkAnswer {
  etag: string;
  body: string | Buffer | null;
}

/** Outside of the heap: 1,000 answers of 203 flags. */
const BODIES_BYTES = 32 * 1024 * 1024;
/** What the tag of an answer takes that is not kept itself. */
const TAG_BYTES = 200;

/** All flags as they were decided. */
interface Decided {
  decisions: readonly Decision[];
  /** Those of them that have a value, to be counted. */
  told: DecidedAnswer;
}

/** An answer with all flags, to be counted and given again; without a body it was only confirmed so far. */
interface KeptAnswer {
  decided: Decided | null;
  body: Buffer | null;
}
/** In the place of one that was made once. */
const NOT_KEPT: KeptAnswer = { decided: null, body: null };

/** A value if memory has what it needs, else a promise. */
type Soon<T> = T | Promise<T>;

/** What flags are for a context, in the texts of OFREP 0.3.0. */
@Injectable()
export class OfrepService {
  /** The last token of each key: signing one takes 4 µs. */
  private readonly tokens = new LRUCache<string, { window: number; token: string }>({ max: 10_000 });

  /**
   * Answers by their entity tags, which name all that they come from, so that one never has to be forgotten. From the
   * second time on that somebody asks for it: most are asked for once.
   */
  private readonly answers = new LRUCache<string, KeptAnswer>({
    maxSize: BODIES_BYTES,
    sizeCalculation: ({ decided, body }) => (decided?.decisions.length ?? 0) * 8 + (body?.length ?? 0) + TAG_BYTES,
  });

  constructor(
    private readonly env: Env,
    private readonly evaluation: EvaluationService,
    private readonly streams: StreamTokens,
    private readonly usage: FeatureUsage,
  ) {}

  /** @throws OfrepError FLAG_NOT_FOUND, TARGETING_KEY_MISSING. */
  single(actor: Actor, key: string, { attributes: context }: AskedContext): Soon<string> {
    if (!FEATURE_KEY.test(key)) throw notFound();
    return inScope(this.evaluation.scope(actor), (scope) => {
      const { environment } = scope;
      const decision = evaluate(environment, key, subjectOf(scope, context));
      if (decision === undefined) throw notFound();
      if (lacksTargetingKey(decision))
        throw new OfrepError(
          400,
          'TARGETING_KEY_MISSING',
          'A roll-out of this flag needs a targetingKey in the context',
        );
      this.usage.asked(scope, key, decision, userOf(context.targetingKey));
      return fragment(environment.features[environment.indexOf.get(key)!]!.feature, decision);
    });
  }

  /** All flags, unless the client's own are the same. */
  bulk(actor: Actor, asked: AskedContext, ifNoneMatch: string | undefined): Soon<BulkAnswer> {
    const context = asked.attributes;
    return inScope(this.evaluation.scope(actor), (scope) => {
      const etag = asked.tagIn(scope, actor.apiKey!.id, this.streams.windowAt(scope.now));
      const known = this.answers.get(etag);
      if (matches(ifNoneMatch, etag)) {
        this.usage.askedAgain((known?.decided ?? this.confirm(etag, scope, context)).told);
        return { etag, body: null };
      }
      if (known?.decided && known.body) {
        this.usage.askedAgain(known.decided.told);
        return { etag, body: known.body };
      }
      const decided = known?.decided ?? decideAll(scope, context);
      this.usage.askedAll(decided.told);
      const body = `{"flags":[${flagsOf(scope, decided)}],"eventStreams":[${this.stream(actor, scope)}]}`;
      this.answers.set(etag, known ? { decided, body: ownBytes(body) } : NOT_KEPT);
      return { etag, body };
    });
  }

  /** What an answer says that is not kept, so that telling a client that it is still right costs an evaluation only once. */
  private confirm(etag: string, scope: EvaluationScope, context: EvaluationContext): Decided {
    const decided = decideAll(scope, context);
    this.answers.set(etag, { decided, body: null });
    return decided;
  }

  /** Where changes are told: the address says what the client knows, so that nothing is missed before it is opened. */
  private stream(actor: Actor, scope: EvaluationScope): string {
    const url = `${this.env.publicUrl}${EVENTS_PATH}?token=${this.token(actor, scope)}&state=${stateId(stateOf(scope))}`;
    return JSON.stringify({ type: 'sse', url, inactivityDelaySec: INACTIVITY_DELAY_SEC });
  }

  private token(actor: Actor, { environmentKey: environment, now }: EvaluationScope): string {
    const [keyId, window] = [actor.apiKey!.id, this.streams.windowAt(now)];
    let last = this.tokens.get(keyId);
    if (last?.window !== window) {
      const token = this.streams.issue({ keyId, organizationId: actor.requiredOrganizationId, environment }, now);
      this.tokens.set(keyId, (last = { window, token }));
    }
    return last.token;
  }
}

function inScope<T>(scope: Soon<EvaluationScope>, answer: (scope: EvaluationScope) => T): Soon<T> {
  return scope instanceof Promise ? scope.then(answer) : answer(scope);
}

/** Not a part of Node's pool, of which a short body would keep all. */
function ownBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

function decideAll(scope: EvaluationScope, context: EvaluationContext): Decided {
  const decisions = evaluateAll(scope.environment, subjectOf(scope, context));
  const told = answerOf(scope, decisions, userOf(context.targetingKey));
  return { decisions, told: decisions.some(lacksTargetingKey) ? withValues(told) : told };
}

/** An answer without the flags that it has an error for. */
function withValues({ keys, decisions, ...answer }: DecidedAnswer): DecidedAnswer {
  const isTold = (_: unknown, at: number): boolean => !lacksTargetingKey(decisions[at]!);
  return { ...answer, keys: keys.filter(isTold), decisions: decisions.filter(isTold) };
}

function flagsOf({ environment: { features } }: EvaluationScope, { decisions }: Decided): string {
  return decisions.map((decision, index) => fragment(features[index]!.feature, decision)).join();
}

function notFound(): OfrepError {
  return new OfrepError(404, 'FLAG_NOT_FOUND', 'There is no such flag');
}
