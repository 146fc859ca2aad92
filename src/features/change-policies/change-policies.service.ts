import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { EnvironmentChanges } from '../../environments/environment-changes.js';
import { Environment } from '../../environments/environment.entity.js';
import type { Actor } from '../../kernel/actor.js';
import type { Json, JsonObject } from '../../kernel/json.js';
import type { PageQuery } from '../../kernel/lists.js';
import { invalidField, problem } from '../../kernel/problem.js';
import { equal } from '../evaluator/values.js';
import { FeatureChanges, type FeatureWriter } from '../feature-changes.js';
import type { PutChangePolicyRequest } from './change-policies.dto.js';
import { activeAdmins } from './approvers.queries.js';
import { type ChangePolicy, noPolicy, toPolicy } from './change-policy.js';
import { FeatureChangePolicy } from './feature-change-policy.entity.js';

const FIELDS = ['approvals', 'approvers', 'kinds', 'reasonRequired'] as const;

/** What changes of features in each environment need. */
@Injectable()
export class ChangePoliciesService implements OnModuleInit {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly changes: FeatureChanges,
    private readonly environments: EnvironmentChanges,
  ) {}

  /** A policy that asks for nothing goes with its environment; another one keeps it. */
  onModuleInit(): void {
    this.environments.onRemoving(async (em, _actor, environment) => {
      await em.nativeDelete(FeatureChangePolicy, { environment, approvals: 0, reasonRequired: false });
    });
  }

  /** The policies of all environments, by their keys. */
  async list({ page, perPage }: PageQuery): Promise<[ChangePolicy[], number]> {
    return asSystem(this.em, async (em) => {
      const slice = { limit: perPage, offset: (page - 1) * perPage };
      const [environments, total] = await em.findAndCount(Environment, {}, { orderBy: { key: 'asc' }, ...slice });
      const keys = environments.map(({ key }) => key);
      const set = (await em.find(FeatureChangePolicy, { environment: { $in: keys } })).map(toPolicy);
      return [keys.map((key) => set.find(({ environment }) => environment === key) ?? noPolicy(key)), total];
    });
  }

  /** @throws Problem `not_found` for an environment that is not there. */
  async get(environment: string): Promise<ChangePolicy> {
    return asSystem(this.em, (em) => find(em, environment));
  }

  /**
   * Sets the policy of an environment. One that asks for nothing stays, so that no version comes twice.
   * @param version that the caller read, 0 for none; null for any.
   * @throws Problem `not_found`; `precondition_failed`; `validation_failed` when fewer could approve than have to, or
   * it asks something of nothing;
   * `feature_change_needs_approval` where the one that is there asks for approvals.
   */
  async put(
    actor: Actor,
    environment: string,
    { reason, ...request }: PutChangePolicyRequest,
    version: number | null,
    changes: FeatureWriter = this.changes,
  ): Promise<ChangePolicy> {
    return changes.change(async (em, change) => {
      const before = await find(em, environment);
      if (version !== null && version !== before.version) throw problem('precondition_failed');
      const wanted = { ...request, approvers: request.approvers.toSorted(), kinds: request.kinds.toSorted() };
      if (FIELDS.every((field) => equal(before[field] as Json, wanted[field] as Json))) return before;
      refuseIdle(wanted);
      await refuseUnreachable(em, actor, wanted);
      const after = { ...wanted, environment, version: before.version + 1 };
      await write(em, after);
      change.names(`policy:${environment}`);
      const states = { before: before.version === 0 ? null : toState(before), after: toState(after) };
      change.log({ actor, kind: 'policy', environment, ...states, reason });
      this.audit.record(actor, 'feature_change_policy.updated', {
        target: { type: 'environment', id: environment },
        before: pick(before),
        after: pick(after),
      });
      await em.flush();
      return find(em, environment);
    });
  }
}

async function find(em: EntityManager, environment: string): Promise<ChangePolicy> {
  await em.findOneOrFail(Environment, { key: environment }, { failHandler: () => problem('not_found') });
  const row = await em.findOne(FeatureChangePolicy, { environment });
  return row ? toPolicy(row) : noPolicy(environment);
}

async function write(em: EntityManager, policy: ChangePolicy): Promise<void> {
  const { environment, approvals, approvers: approverIds, kinds, reasonRequired, version } = policy;
  const row = await em.findOne(FeatureChangePolicy, { environment });
  const data = { approvals, approverIds, kinds, reasonRequired, version, updatedAt: new Date() };
  if (row) em.assign(row, data);
  else em.create(FeatureChangePolicy, { environment, ...data });
}

/** Refuses what would hold up nothing but itself. */
function refuseIdle({ approvals, reasonRequired, kinds }: Omit<ChangePolicy, 'environment' | 'version'>): void {
  if (kinds.length === 0 && (approvals > 0 || reasonRequired))
    throw invalidField('kinds', 'kinds_missing', 'A policy that asks for something has to name at least one kind');
}

/** Refuses what nobody could meet: whoever asks does not approve. */
async function refuseUnreachable(
  em: EntityManager,
  actor: Actor,
  { approvals, approvers }: Pick<ChangePolicy, 'approvals' | 'approvers'>,
): Promise<void> {
  const admins = await activeAdmins(em);
  const unknown = approvers.find((id) => !admins.includes(id));
  if (unknown !== undefined)
    throw invalidField('approvers', 'approver_unknown', `${unknown} is no active platform admin`);
  const others = (approvers.length > 0 ? approvers : admins).filter((id) => id !== actor.userId).length;
  if (others < approvals)
    throw invalidField(
      'approvals',
      'approvals_out_of_reach',
      `${others} platform ${others === 1 ? 'admin' : 'admins'} besides you could approve, and ${approvals} would have to`,
    );
}

function pick(policy: ChangePolicy): JsonObject {
  return Object.fromEntries(FIELDS.map((field) => [field, policy[field]])) as JsonObject;
}

function toState(policy: ChangePolicy): JsonObject {
  return { environment: policy.environment, ...pick(policy) };
}
