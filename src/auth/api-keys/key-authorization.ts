import { Injectable } from '@nestjs/common';
import { Actor, type Origin } from '../../kernel/actor.js';
import type { Access, ActingRequest } from '../../kernel/authorize.js';
import { isScope, type Permission } from '../../kernel/permissions.js';
import { problem } from '../../kernel/problem.js';
import type { OrganizationFacts } from '../../organizations/access/access.queries.js';
import { type MemberAccess, OrganizationAccess } from '../../organizations/access/organization-access.js';
import { refusalOfKey } from '../../organizations/access/organization-door.js';
import { isOrganizationId } from '../authorization.js';
import { Denials } from '../denials.js';
import { KeyUses } from './key-uses.js';
import { KnownKeys } from './known-keys.js';
import type { KnownKey } from './known-keys.queries.js';

/** Who showed a key that works, and what decides over the organization that it is for. */
export interface KeyHolder {
  actor: Actor;
  organization: OrganizationFacts;
}

/** Whom an API key stands for, and what it opens: nothing beyond its organization, its scopes and its owner's rights. */
@Injectable()
export class KeyAuthorization {
  /** What is in a key's scopes and in what its owner holds; many keys and owners have the same two sets. */
  private readonly permitted = new WeakMap<
    ReadonlySet<Permission>,
    WeakMap<ReadonlySet<Permission>, ReadonlySet<Permission>>
  >();

  constructor(
    private readonly keys: KnownKeys,
    private readonly uses: KeyUses,
    private readonly access: OrganizationAccess,
    private readonly denials: Denials,
  ) {}

  /**
   * Who acts by a key; from memory without a statement.
   * @throws Problem `token_invalid`, the same for what is no key, has expired, was revoked, or is of somebody who is no
   * active member any more.
   */
  identify(text: string, origin: Origin): KeyHolder | Promise<KeyHolder> {
    const found = this.keys.find(text);
    return found instanceof Promise ? found.then((key) => this.findOwner(key, origin)) : this.findOwner(found, origin);
  }

  /** Whether nothing stands between a key and a permission that its organization gives. */
  isFree({ actor, organization }: KeyHolder, permission: Permission): boolean {
    return actor.permissions.has(permission) && refusalOfKey(organization, actor) === null;
  }

  /**
   * Lets the actor of a key through to a route, or not.
   * @throws Problem `not_found` for another organization, before anything else; what {@link refusalOfKey} has against
   * them; `permission_denied`, once its entry in the trail is committed.
   */
  async pass(request: ActingRequest, access: Access, organization: OrganizationFacts): Promise<void> {
    const { actor } = request;
    const { organizationId } = request.params as { organizationId?: string };
    if (organizationId !== undefined && organizationId.toLowerCase() !== actor.organizationId) {
      if (isOrganizationId(organizationId))
        await this.denials.remember(actor, request, 'member', { type: 'organization', id: organizationId });
      throw problem('not_found');
    }
    const refusal = refusalOfKey(organization, actor);
    if (refusal?.code === 'ip_not_allowed') await this.denials.remember(actor, request, refusal.code);
    if (refusal) throw refusal;
    if (
      access.public ||
      access.sessionOnly ||
      !isScope(access.requirement) ||
      (organizationId === undefined && !access.keyOnly)
    )
      throw await this.denials.remember(actor, request, 'session');
    if (!actor.permissions.has(access.requirement))
      throw await this.denials.remember(actor, request, access.requirement);
  }

  private findOwner(key: KnownKey | null, origin: Origin): KeyHolder | Promise<KeyHolder> {
    if (!key) throw problem('token_invalid');
    const owner = this.ownerOf(key);
    return owner instanceof Promise
      ? owner.then((held) => this.hold(key, held, origin))
      : this.hold(key, owner, origin);
  }

  private hold(key: KnownKey, held: MemberAccess | null, origin: Origin): KeyHolder {
    if (!held) throw problem('token_invalid');
    this.uses.note(key.id);
    const actor = Actor.key(origin, {
      apiKey: { id: key.id, environment: key.environment },
      userId: key.userId,
      serviceAccountId: key.serviceAccountId,
      organizationId: key.organizationId,
      permissions: this.permissionsOf(key, held.permissions),
    });
    return { actor, organization: held.organization };
  }

  /**
   * Whether a key, by its id, still has a permission in its organization: for what goes on after the request that showed
   * it. Where it is used from is not asked.
   */
  async holds(keyId: string, organizationId: string, permission: Permission): Promise<boolean> {
    const key = await this.keys.byId(keyId);
    const held = key?.organizationId === organizationId ? await this.ownerOf(key) : null;
    return (
      key !== null &&
      held?.organization.status === 'active' &&
      this.permissionsOf(key, held.permissions).has(permission)
    );
  }

  private ownerOf({ organizationId, userId, serviceAccountRole }: KnownKey): ReturnType<OrganizationAccess['of']> {
    return userId === null
      ? this.access.ofRole(organizationId, serviceAccountRole!)
      : this.access.of(organizationId, userId);
  }

  private permissionsOf(key: KnownKey, held: MemberAccess['permissions']): ReadonlySet<Permission> {
    let byHeld = this.permitted.get(key.scopes);
    if (!byHeld) this.permitted.set(key.scopes, (byHeld = new WeakMap()));
    let both = byHeld.get(held);
    if (!both) byHeld.set(held, (both = new Set([...key.scopes].filter((scope) => held.has(scope)))));
    return both;
  }
}
