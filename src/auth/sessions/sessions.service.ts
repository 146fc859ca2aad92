import { EntityManager, raw } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import type { PageQuery } from '../../kernel/lists.js';
import { newId } from '../../kernel/ids.js';
import { problem } from '../../kernel/problem.js';
import { MailService } from '../../mail/mail.service.js';
import { AccessTokens } from '../tokens/access-tokens.js';
import { RevokedSessions } from '../tokens/revoked-sessions.js';
import type { CheckedAccount } from '../login/password-check.js';
import { RefreshChain } from './refresh-chain.js';
import {
  endSessions,
  findUsedToken,
  openingSession,
  openingSessions,
  rotatingToken,
  rotatingTokens,
  type SessionOwner,
} from './sessions.queries.js';
import { Session } from './session.entity.js';

/** Both tokens of a session, and whose it is. */
export interface SignedIn {
  sessionId: string;
  accessToken: string;
  refreshToken: string;
  /** Seconds that the access token lives. */
  expiresIn: number;
  user: { id: string; email: string; fullName: string; platformRole: 'admin' | null };
}

/** Why a session ended before its time. */
export type EndReason =
  | 'logout'
  | 'revoked'
  | 'password_changed'
  | 'password_reset'
  | 'email_change_undone'
  | 'user_disabled'
  | 'user_deleted'
  | 'refresh_token_reused';

@Injectable()
export class SessionsService {
  private readonly opening: ReturnType<typeof openingSessions>;
  private readonly rotating: ReturnType<typeof rotatingTokens>;

  constructor(
    private readonly em: EntityManager,
    private readonly chain: RefreshChain,
    private readonly accessTokens: AccessTokens,
    private readonly revoked: RevokedSessions,
    private readonly audit: AuditService,
    private readonly mail: MailService,
  ) {
    this.opening = openingSessions(em);
    this.rotating = rotatingTokens(em);
  }

  /**
   * Opens a session for a password that was right, and forgets the failures of its address.
   * @param account as it was when the password was checked.
   * @returns null when password, address or status are others by now.
   */
  async openByPassword(actor: Actor, account: CheckedAccount): Promise<SignedIn | null> {
    const { token, keyId } = this.chain.begin();
    const id = newId();
    const entry = this.audit.entry(actor, 'session.opened', {
      userId: account.userId,
      target: { type: 'session', id },
      after: { methods: ['pwd'] },
    });
    const owner = await this.opening.ask(openingSession(actor, account, { id, keyId, token, entry }));
    return owner.session_id === null ? null : this.signedIn(owner, token);
  }

  /**
   * Exchanges a refresh token for the next pair (RFC 9700, 4.14.2). For 10 s the parent gets the same successor again;
   * later reuse means that two hold the token, and ends the session.
   * @throws Problem `token_invalid`; `refresh_token_reused`.
   */
  async refresh(actor: Actor, token: string): Promise<SignedIn> {
    const asked = performance.now();
    const successor = this.chain.successor(token);
    if (successor === null) throw problem('token_invalid');
    const owner = await this.rotating.ask(rotatingToken(actor, token, successor));
    return this.signedIn(owner.session_id === null ? await this.ownerOfUsed(actor, token, asked) : owner, successor);
  }

  /** The caller's live sessions, newest activity first. */
  async list(actor: Actor, { page, perPage }: PageQuery): Promise<[Session[], number]> {
    return this.em.findAndCount(
      Session,
      { user: actor.requiredUserId, revokedAt: null, expiresAt: { $gt: raw('now()') } },
      { orderBy: { lastActiveAt: 'desc', id: 'desc' }, limit: perPage, offset: (page - 1) * perPage },
    );
  }

  /**
   * Ends one of the caller's sessions.
   * @throws Problem `not_found` when it is not theirs, or has ended.
   */
  async revokeOne(actor: Actor, sessionId: string, reason: EndReason): Promise<void> {
    const ended = await asSystem(this.em, (em) =>
      this.end(em, actor, actor.requiredUserId, reason, { only: sessionId }),
    );
    if (ended === 0) throw problem('not_found');
  }

  /** Ends every session of the caller but the present one. */
  async revokeOthers(actor: Actor): Promise<void> {
    await asSystem(this.em, (em) => this.end(em, actor, actor.requiredUserId, 'revoked', { except: actor.sessionId }));
  }

  /** Lets access tokens of a session open the job board, or no longer. @param em of a system transaction. */
  async setJobBoardOpen(em: EntityManager, sessionId: string, jobBoardOpen: boolean): Promise<void> {
    await em.nativeUpdate(Session, sessionId, { jobBoardOpen });
  }

  /** Whether access tokens of a session open the job board. */
  async hasJobBoardOpen(id: string): Promise<boolean> {
    return asSystem(this.em, async (em) => (await em.count(Session, { id, jobBoardOpen: true, revokedAt: null })) > 0);
  }

  /**
   * Ends sessions of a person, in the caller's system transaction: refreshing stops when it commits, access tokens
   * within a second, on every instance.
   * @returns how many.
   */
  async end(
    em: EntityManager,
    actor: Actor,
    userId: string,
    reason: EndReason,
    which: { only?: string | null; except?: string | null } = {},
  ): Promise<number> {
    const ids = await endSessions(em, userId, reason, which);
    if (ids.length > 0) await this.revoked.announce(em, ids);
    for (const id of ids)
      this.audit.record(actor, 'session.ended', { userId, target: { type: 'session', id }, reason });
    return ids.length;
  }

  /**
   * Whose session a token is of that was used within its grace; a session of one that was used before is ended.
   * @param asked when the request came, as `performance.now()` had it.
   */
  private async ownerOfUsed(actor: Actor, token: string, asked: number): Promise<SessionOwner> {
    const used = await asSystem(this.em, async (em) => {
      const found = await findUsedToken(em, token, performance.now() - asked);
      if (!found || found.within_grace) return found;
      await this.end(em, actor, found.id, 'refresh_token_reused', { only: found.session_id });
      this.mail.send('refresh-token-reuse', found.email, { name: found.full_name, at: new Date().toISOString() });
      return found;
    });
    if (!used) throw problem('token_invalid');
    if (!used.within_grace) throw problem('refresh_token_reused');
    return used;
  }

  private signedIn(owner: SessionOwner, refreshToken: string): SignedIn {
    const { token, expiresIn } = this.accessTokens.issue({
      userId: owner.id,
      sessionId: owner.session_id,
      authTime: new Date(owner.authenticated_at),
      methods: owner.methods,
    });
    return {
      sessionId: owner.session_id,
      accessToken: token,
      refreshToken,
      expiresIn,
      user: { id: owner.id, email: owner.email, fullName: owner.full_name, platformRole: owner.platform_role },
    };
  }
}
