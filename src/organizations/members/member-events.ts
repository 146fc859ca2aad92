import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Actor } from '../../kernel/actor.js';

/** Runs in the transaction of the change, before the membership goes. */
export type MemberListener = (
  em: EntityManager,
  actor: Actor,
  member: { organizationId: string; userId: string },
) => Promise<void>;

/** What rooms above have to do when somebody leaves an organization, in the same transaction: keys go. */
@Injectable()
export class MemberEvents {
  private readonly onLeavingListeners: MemberListener[] = [];

  onLeaving(listener: MemberListener): void {
    this.onLeavingListeners.push(listener);
  }

  async leaving(em: EntityManager, actor: Actor, member: { organizationId: string; userId: string }): Promise<void> {
    for (const listener of this.onLeavingListeners) await listener(em, actor, member);
  }
}
