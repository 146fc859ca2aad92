import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { PasswordCredentials } from '../passwords/password-credentials.js';
import { type SignedIn, SessionsService } from '../sessions/sessions.service.js';
import type { LoginRequest } from './login.dto.js';
import { PasswordCheck } from './password-check.js';

@Injectable()
export class LoginService {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: PasswordCheck,
    private readonly credentials: PasswordCredentials,
    private readonly sessions: SessionsService,
  ) {}

  /**
   * Signs a person in by e-mail and password.
   * @throws Problem of {@link PasswordCheck.check}.
   */
  async login(actor: Actor, { email, password }: LoginRequest): Promise<SignedIn> {
    const account = await this.passwords.check(actor, email, password);
    const { userId, newHash, changedAt } = account;
    // A transaction of its own: two logins at once that both held the password would wait for each other.
    if (newHash) await asSystem(this.em, (em) => this.credentials.rehash(em, userId, newHash, changedAt));
    const signedIn = await this.sessions.openByPassword(actor, account);
    if (!signedIn) throw problem('invalid_credentials');
    return signedIn;
  }
}
