import { Injectable } from '@nestjs/common';
import type { Actor } from '../../kernel/actor.js';
import { invalidField, problem } from '../../kernel/problem.js';
import { type CompiledEnvironment, type Decision, evaluateAll, type Subject } from '../evaluator/index.js';
import { Clock } from '../snapshots/clock.js';
import { FeatureSnapshots } from '../snapshots/feature-snapshots.js';
import { type EvaluatedOrganization, OrganizationFeatures } from '../snapshots/organization-features.js';
import { answerOf, FeatureUsage, userOf } from '../usage/feature-usage.js';
import { contextFault, type EvaluationContext } from './context.js';
import type { EvaluateRequest } from './evaluation.dto.js';
import { type EvaluationView, toEvaluatedFeatureView } from './evaluation.view.js';

/** Where features are evaluated unless somebody says otherwise. */
export const DEFAULT_ENVIRONMENT = 'production';

/** Of what holds everywhere one environment is shown. */
export function shownEnvironment(environments: ReadonlyMap<string, unknown>): string {
  return environments.has(DEFAULT_ENVIRONMENT) ? DEFAULT_ENVIRONMENT : [...environments.keys()].toSorted()[0]!;
}

/** Everything that an evaluation needs, of one moment. */
export interface EvaluationScope {
  environmentKey: string;
  environment: CompiledEnvironment;
  organization: EvaluatedOrganization;
  revision: number;
  /** By the database's clock, in ms since 1970. */
  now: number;
}

/** What features are for an organization and a context. */
@Injectable()
export class EvaluationService {
  constructor(
    private readonly snapshots: FeatureSnapshots,
    private readonly organizations: OrganizationFeatures,
    private readonly clock: Clock,
    private readonly usage: FeatureUsage,
  ) {}

  /**
   * Evaluates features of the caller's tenant, all or those that are named.
   * @throws Problem `validation_failed` for a context that is too large, or names nobody; as {@link scope} does.
   */
  async evaluate(actor: Actor, { environment, context = {}, keys }: EvaluateRequest): Promise<EvaluationView> {
    const fault = contextFault(context);
    if (fault) throw problem('validation_failed', { errors: [fault] });
    const scope = await this.scope(actor, environment);
    const asked = keys ?? scope.environment.keys;
    const decisions = evaluateAll(scope.environment, subjectOf(scope, context), keys);
    this.count(scope, decisions, keys, userOf(context.targetingKey));
    return {
      features: asked.flatMap((key, at) => (decisions[at] ? [toEvaluatedFeatureView(key, decisions[at])] : [])),
      unknownKeys: asked.filter((_, at) => !decisions[at]),
      revision: scope.revision,
    };
  }

  /**
   * What the caller's tenant is evaluated with in an environment: at once where memory may be believed.
   * @param asked the environment's key; the API key's own, or `production`, when left out.
   * @throws Problem `permission_denied` for another environment than that of the API key; `validation_failed` for one that
   * does not exist.
   */
  scope(actor: Actor, asked?: string): EvaluationScope | Promise<EvaluationScope> {
    return this.scopeOf(actor.requiredOrganizationId, environmentFor(actor, asked));
  }

  private count(
    scope: EvaluationScope,
    decisions: readonly (Decision | undefined)[],
    keys: readonly string[] | undefined,
    user: string | null,
  ): void {
    if (keys === undefined) this.usage.askedAll(answerOf(scope, decisions as readonly Decision[], user));
    else
      for (const [at, decision] of decisions.entries())
        if (decision) this.usage.asked(scope, keys[at]!, decision, user);
  }

  /** The same for whoever has no request: what an organization is evaluated with in an environment. */
  scopeOf(organizationId: string, environmentKey: string): EvaluationScope | Promise<EvaluationScope> {
    const snapshot = this.snapshots.current();
    const organization = this.organizations.of(organizationId);
    const build = (
      { environments, revision }: Awaited<typeof snapshot>,
      found: EvaluatedOrganization,
    ): EvaluationScope => {
      const environment = environments.get(environmentKey) ?? refuseUnknown();
      return { environmentKey, environment, organization: found, revision, now: this.clock.now() };
    };
    return snapshot instanceof Promise || organization instanceof Promise
      ? Promise.all([snapshot, organization]).then(([first, second]) => build(first, second))
      : build(snapshot, organization);
  }
}

/** For whom features are evaluated: the tenant, and what the client says of whom it asks for. */
export function subjectOf({ organization, now }: EvaluationScope, context: EvaluationContext = {}): Subject {
  const { targetingKey } = context;
  return {
    targetingKey: typeof targetingKey === 'string' ? targetingKey : undefined,
    attributes: context,
    organization,
    now,
  };
}

/**
 * The environment that somebody asks for, by its key: for an API key its own, for others `production` unless they say.
 * @throws Problem `permission_denied` for another environment than that of the API key.
 */
export function environmentFor({ apiKey }: Actor, asked?: string): string {
  if (apiKey && asked !== undefined && apiKey.environment !== asked)
    throw problem('permission_denied', { detail: `The API key is for ${apiKey.environment}` });
  return apiKey?.environment ?? asked ?? DEFAULT_ENVIRONMENT;
}

/** @throws Problem `validation_failed`, since there is no environment of that key. */
export function refuseUnknown(): never {
  throw invalidField('environment', 'environment_unknown', 'There is no such environment');
}
