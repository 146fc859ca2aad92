import { EntityManager, ForeignKeyConstraintViolationException } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import type { Actor } from '../../kernel/actor.js';
import { newId } from '../../kernel/ids.js';
import { readInstant } from '../../kernel/instant.js';
import type { PageQuery } from '../../kernel/lists.js';
import { isPermission } from '../../kernel/permissions.js';
import { invalidField, problem } from '../../kernel/problem.js';
import { hashToken } from '../../kernel/tokens.js';
import { Turns } from '../../kernel/turns.js';
import { denyBeyond } from '../../organizations/roles/granting.js';
import { holdServiceAccount } from '../service-accounts/hold-service-account.js';
import { type CreateApiKeyRequest, DAY } from './api-keys.dto.js';
import {
  type ApiKeyRow,
  countLiveApiKeys,
  findApiKey,
  insertApiKey,
  listApiKeys,
  removeApiKeys,
  replaceSecret,
} from './api-keys.queries.js';
import { hintOf, newApiKey } from './key-format.js';
import { KeyRevocations, toTrail } from './key-revocations.js';
import { KnownKeys } from './known-keys.js';

/** Of an organization, of those that have not expired. */
const MOST_KEYS = 1_000;

/** A key, and for this once what it is. */
export interface KeyWithSecret {
  row: ApiKeyRow;
  key: string;
}

/** The API keys of an organization. */
@Injectable()
export class ApiKeysService {
  /** One that waits for the lock of its organization has a connection that others need. */
  private readonly turns = new Turns();

  constructor(
    private readonly em: EntityManager,
    private readonly known: KnownKeys,
    private readonly revocations: KeyRevocations,
    private readonly audit: AuditService,
  ) {}

  /** Keys, the newest first, and how many there are. */
  async list(actor: Actor, { page, perPage }: PageQuery): Promise<[ApiKeyRow[], number]> {
    return this.em.transactional((em) =>
      listApiKeys(em, actor.requiredOrganizationId, { limit: perPage, offset: (page - 1) * perPage }),
    );
  }

  /** One key. @throws Problem `not_found`. */
  async get(actor: Actor, id: string): Promise<ApiKeyRow> {
    return this.em.transactional((em) => find(em, actor, id));
  }

  /**
   * Makes a key: the caller's own, or one of a service account that holds no more than they do.
   * @throws Problem `permission_denied` for scopes that the caller does not hold, for such an account, and for a platform
   * admin who is no member and names none; `validation_failed` for an unknown environment and a time that has passed;
   * `not_found` for an unknown account; `api_key_limit_reached`.
   */
  async create(actor: Actor, request: CreateApiKeyRequest): Promise<KeyWithSecret> {
    const { name, environment, scopes, serviceAccountId = null } = request;
    denyBeyond(actor, scopes);
    const expiresAt = readExpiry(request.expiresAt);
    const [id, key] = [newId(), newApiKey()];
    try {
      return await this.inTurn(actor, async (em) => {
        if ((await countLiveApiKeys(em, actor.requiredOrganizationId)) >= MOST_KEYS)
          throw problem('api_key_limit_reached');
        const account = serviceAccountId === null ? null : await holdServiceAccount(em, actor, serviceAccountId);
        await insertApiKey(em, actor.requiredOrganizationId, {
          id,
          name,
          environment,
          scopes,
          userId: account ? null : actor.requiredUserId,
          serviceAccountId: account?.id ?? null,
          hash: hashToken(key),
          hint: hintOf(key),
          expiresAt,
          createdBy: actor.requiredUserId,
        });
        const row = await find(em, actor, id);
        this.record(actor, 'api_key.created', row, { after: { ...toTrail(row), expiresAt } });
        return { row, key };
      });
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /**
   * Gives a key another secret. The old one works on for a while, and any older one no more.
   * @throws Problem `permission_denied` for somebody else's personal key, and for one that opens more than the caller may
   * do; `conflict` for one that has expired; `not_found`.
   */
  async rotate(actor: Actor, id: string, overlapSeconds = DAY): Promise<KeyWithSecret> {
    const rotated = await this.em.transactional(async (em) => {
      const { user_id, service_account_id } = await find(em, actor, id);
      // Whoever gets the new secret can act as its owner.
      if (service_account_id !== null) await holdServiceAccount(em, actor, service_account_id);
      else if (user_id !== actor.userId)
        throw problem('permission_denied', {
          detail: 'Only the person whose key it is can rotate it; you can revoke it',
        });
      // After its account, which is the order in which both are removed.
      const before = await find(em, actor, id, { hold: true });
      if (service_account_id !== null) denyBeyond(actor, before.scopes.filter(isPermission));
      if (before.expired) throw problem('conflict', { detail: 'The key has expired; make another' });
      const key = newApiKey();
      const secret = { hash: hashToken(key), hint: hintOf(key), overlapSeconds };
      await replaceSecret(em, actor.requiredOrganizationId, before.id, secret);
      await this.known.announce(em, before.id);
      const row = await find(em, actor, before.id);
      this.record(actor, 'api_key.rotated', row, {
        before: { name: before.name, hint: before.hint },
        after: { hint: row.hint, previousKeyExpiresAt: row.previous_key_expires_at },
      });
      return { row, key };
    });
    this.known.changed([rotated.row.id]);
    return rotated;
  }

  /** Revokes a key, everywhere within a second. @throws Problem `not_found`. */
  async revoke(actor: Actor, id: string): Promise<void> {
    const revoked = await this.em.transactional(async (em) => {
      const [key] = await removeApiKeys(em, 'organization_id = ? and id = ?', [actor.requiredOrganizationId, id]);
      if (!key) throw problem('not_found');
      this.revocations.record(actor, key);
      return key;
    });
    this.known.changed([revoked.id]);
  }

  private inTurn<T>(actor: Actor, work: (em: EntityManager) => Promise<T>): Promise<T> {
    return this.turns.take(actor.requiredOrganizationId, () => this.em.transactional(work));
  }

  private record(
    actor: Actor,
    action: string,
    { id, user_id }: ApiKeyRow,
    change: { before?: Record<string, unknown>; after: Record<string, unknown> },
  ): void {
    this.audit.record(actor, action, { userId: user_id, target: { type: 'api_key', id }, ...change });
  }
}

async function find(em: EntityManager, actor: Actor, id: string, options?: { hold: boolean }): Promise<ApiKeyRow> {
  const key = await findApiKey(em, actor.requiredOrganizationId, id, options);
  if (!key) throw problem('not_found');
  return key;
}

function readExpiry(text: string | null | undefined): Date | null {
  if (text === undefined || text === null) return null;
  const expiresAt = readInstant(text);
  if (!expiresAt || expiresAt.getTime() <= Date.now())
    throw invalidField('expiresAt', 'not_in_the_future', 'expiresAt has to be a time to come');
  return expiresAt;
}

/** What a foreign key has against a new key, in words. */
function refusalOf(error: unknown): unknown {
  if (!(error instanceof ForeignKeyConstraintViolationException)) return error;
  const { constraint } = error as { constraint?: string };
  if (constraint === 'api_keys_environment_key_foreign')
    return invalidField('environment', 'environment_unknown', 'There is no such environment');
  return problem('permission_denied', {
    detail: 'A personal key takes a membership; name a service account instead',
    cause: error,
  });
}
