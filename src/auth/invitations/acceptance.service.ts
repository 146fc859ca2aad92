import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import { newId } from '../../kernel/ids.js';
import { problem } from '../../kernel/problem.js';
import { hashToken } from '../../kernel/tokens.js';
import { OrganizationAccess } from '../../organizations/access/organization-access.js';
import { findOffer, type Offer, takeOffer } from '../../organizations/invitations/offers.js';
import { MembersService } from '../../organizations/members/members.service.js';
import { PasswordCredentials } from '../passwords/password-credentials.js';
import { removeRegistrations, verifyPerson } from '../registration/registration.queries.js';
import type { AcceptInvitationRequest } from './acceptance.dto.js';

/** Name and password of somebody new. */
interface Newcomer {
  fullName: string;
  password: string;
}

/** The other end of an invitation: whoever holds its link. Crosses tenants by nature, so it runs as system. */
@Injectable()
export class AcceptanceService {
  constructor(
    private readonly em: EntityManager,
    private readonly credentials: PasswordCredentials,
    private readonly members: MembersService,
    private readonly access: OrganizationAccess,
    private readonly audit: AuditService,
  ) {}

  /** What a link offers. @throws Problem `link_invalid` with the reason. */
  async preview(token: string): Promise<{ offer: Offer; accountExists: boolean }> {
    return asSystem(this.em, async (em) => {
      const offer = await findOffer(em, hashToken(token));
      return { offer, accountExists: await hasAccount(em, offer.email) };
    });
  }

  /**
   * Makes the holder of a link a member: whoever is signed in, or somebody new. Whatever is refused uses nothing up.
   * @throws Problem `link_invalid` with the reason; `invitation_for_another`; `email_not_verified`; `authentication_required`
   * when the address has an account; `validation_failed` for a name or password that is missing or refused; `already_member`;
   * `seat_limit_reached`.
   */
  async accept(actor: Actor, { token, fullName, password }: AcceptInvitationRequest): Promise<Offer> {
    const offer =
      actor.userId === null
        ? await this.acceptAsNew(actor, token, { fullName, password })
        : await this.acceptAs(actor, actor.userId, token);
    this.access.changed([offer.organizationId]);
    return offer;
  }

  private async acceptAs(actor: Actor, userId: string, token: string): Promise<Offer> {
    return asSystem(this.em, async (em) => {
      const offer = await takeOffer(em, hashToken(token), userId);
      // Held: a change of address that is confirmed at this moment waits, or is seen.
      const [person] = await em.execute<{ email: string; verified: boolean }[]>(
        `select email, email_verified_at is not null as verified from users
          where id = ? and status = 'active' for no key update`,
        [userId],
      );
      if (!person) throw problem('token_invalid');
      if (person.email !== offer.email) throw problem('invitation_for_another');
      // No sign-in lets such a one in. Should one ever, an address that nobody proved still gets nothing.
      if (!person.verified) throw problem('email_not_verified');
      await this.join(em, actor, userId, offer);
      return offer;
    });
  }

  private async acceptAsNew(actor: Actor, token: string, who: Partial<Newcomer>): Promise<Offer> {
    // Refused without hashing first: a token that nobody was sent must not cost 16 ms of a core.
    const { offer: shown, accountExists } = await this.preview(token);
    if (accountExists) throw signInFirst();
    const { fullName, password } = requireNewcomer(who);
    const { email } = shown;
    const passwordHash = await this.credentials.hashNew('password', password, { email, fullName });
    const userId = newId();
    return asSystem(this.em, async (em) => {
      const offer = await takeOffer(em, hashToken(token), userId);
      // The link came to this mailbox: whoever else said that it is theirs has lost.
      await removeRegistrations(em, email);
      if (!(await verifyPerson(em, { user_id: userId, email, full_name: fullName }))) throw signInFirst();
      await this.credentials.set(em, userId, passwordHash);
      this.audit.record(actor, 'user.registered', {
        userId,
        target: { type: 'user', id: userId },
        after: { email, fullName },
      });
      await this.join(em, actor, userId, offer);
      return offer;
    });
  }

  private async join(em: EntityManager, actor: Actor, userId: string, offer: Offer): Promise<void> {
    const { id, organizationId, role, email } = offer;
    this.audit.record(actor, 'invitation.accepted', {
      organizationId,
      userId,
      target: { type: 'invitation', id },
      after: { email, role },
    });
    await this.members.join(em, actor, { organizationId, userId, role });
  }
}

/**
 * Whether an address has an account, verified or not. An imported one whose address nobody proved counts too, and the
 * link of an invitation does not prove it: that would let in whoever knows the imported password. Its owner verifies it
 * first, or resets the password, and signs in then.
 */
async function hasAccount(em: EntityManager, email: string): Promise<boolean> {
  const found = await em.execute('select from users where email = ?', [email]);
  return found.length > 0;
}

function signInFirst() {
  return problem('authentication_required', {
    detail: 'The address has an account. Sign in first, then accept with its session',
    headers: { 'www-authenticate': 'Bearer' },
  });
}

/** @throws Problem `validation_failed` that names what is missing. */
function requireNewcomer({ fullName, password }: Partial<Newcomer>): Newcomer {
  if (fullName != null && password != null) return { fullName, password };
  throw problem('validation_failed', {
    errors: Object.entries({ fullName, password })
      .filter(([, value]) => value == null)
      .map(([field]) => ({ field, code: 'required', message: `${field} is needed to make an account` })),
  });
}
